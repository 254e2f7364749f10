// The gallery: a card under the pointer or the focus plays its small muted preview, and lets go of it afterwards.
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

  const search = document.getElementById("sieve-q");
  if (search) studio.keys.add("/", search.placeholder, () => search.focus());
})();
