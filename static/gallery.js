// The gallery: a card under the pointer or the focus plays its small muted preview, and lets go of it afterwards;
// and the way back to the place where somebody was.
(() => {
  "use strict";

  const AFTER = 250; // ms: who passes by wants no video
  const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches || navigator.connection?.saveData;
  let timer = 0, playing = null;

  function stop() {
    clearTimeout(timer);
    if (!playing) return;
    playing.removeAttribute("src");
    playing.load(); // frees the buffer
    playing.remove();
    playing = null;
  }

  function play(poster) {
    playing = document.createElement("video");
    Object.assign(playing, { className: "card__preview", muted: true, loop: true, playsInline: true });
    playing.setAttribute("aria-hidden", "true");
    playing.src = poster.dataset.preview;
    poster.after(playing);
    playing.play().catch(() => {}); // the poster stays
  }

  function come(event) {
    const card = event.target.closest?.(".card");
    if (!card || card.contains(playing) || isCalm()) return;
    const poster = card.querySelector("[data-preview]");
    stop();
    if (poster) timer = setTimeout(play, AFTER, poster);
  }

  function leave(event) {
    const card = event.target.closest?.(".card");
    if (card && !card.contains(event.relatedTarget)) stop();
  }

  document.addEventListener("pointerover", come);
  document.addEventListener("focusin", come);
  document.addEventListener("pointerout", leave);
  document.addEventListener("focusout", leave);

  // The address names the card on top of what is seen, so that going back comes back there, however deep that is.
  const grid = document.querySelector(".page > .grid");
  const top = () => [...grid.querySelectorAll(".card")].find((card) => card.getBoundingClientRect().bottom > innerHeight / 3);
  let settled = 0;

  function remember() {
    clearTimeout(settled);
    const address = new URL(location.href), card = scrollY > innerHeight ? top() : null;
    for (const name of ["before", "after", "from"]) address.searchParams.delete(name);
    if (card) address.searchParams.set("from", card.dataset.place);
    if (scrollY > 0) history.replaceState({ top: card?.id || "", y: scrollY }, "", address);
  }

  function comeBack() {
    const [navigation] = performance.getEntriesByType("navigation");
    const card = history.state?.top && document.getElementById(history.state.top);
    if (navigation.type === "navigate" || !card) return;
    history.scrollRestoration = "manual";
    card.scrollIntoView({ block: "center" });
  }

  if (grid) {
    comeBack();
    addEventListener("scroll", () => (clearTimeout(settled), (settled = setTimeout(remember, 200))), { passive: true });
    addEventListener("pagehide", remember);
  }

  const search = document.getElementById("sieve-q");
  if (search) studio.keys.add("/", search.placeholder, () => search.focus());
})();
