// The gallery: a card under the pointer or the focus plays its small muted preview, and lets go of it afterwards;
// and the way back to the place where somebody was.

import { addShortcut } from "studio/shortcuts";

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
const isSeen = (card) => card.getBoundingClientRect().bottom > 80;
const top = () => [...grid.querySelectorAll(".card")].find((card, at, { length }) => isSeen(card) || at === length - 1);
const begun = location.href;
let settled = 0;

function remember(card) {
  clearTimeout(settled);
  if (!card) return; // the last one has just gone
  const address = new URL(begun);
  if (scrollY > innerHeight) {
    for (const name of ["before", "after"]) address.searchParams.delete(name);
    address.searchParams.set("from", top().dataset.place);
  }
  history.replaceState({ card: card.id, y: card.getBoundingClientRect().top }, "", address);
}

function comeBack() {
  const card = history.state?.card && document.getElementById(history.state.card);
  if (card) scrollBy({ top: card.getBoundingClientRect().top - history.state.y, behavior: "instant" });
}

if (grid) {
  history.scrollRestoration = "manual"; // the browser would go by pixels, of a page that is shorter now
  comeBack();
  const settle = () => (clearTimeout(settled), (settled = setTimeout(() => remember(top()), 200)));
  addEventListener("scroll", settle, { passive: true });
  grid.addEventListener("click", ({ target }) => remember(target.closest(".card") || top()), true); // it may lead away
}

const search = document.getElementById("filters-q");
if (search) addShortcut("/", search.placeholder, () => search.focus());
