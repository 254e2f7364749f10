// The gallery's surroundings: a card under the pointer or the focus plays its small muted preview; the rail's numbers,
// the months and the size of the thumbnails.

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

// --- how many there are in each place of the rail; the page does not wait for it
const rail = document.getElementById("rail");

async function count() {
  const answer = await fetch(rail.dataset.counts, { redirect: "error" }).catch(() => null);
  if (!answer?.ok) return; // the names lead there all the same
  const numbers = await answer.json();
  for (const item of rail.querySelectorAll("[data-count]")) {
    item.querySelector(".rail__count").textContent = numbers[item.dataset.count] ?? "";
  }
}

count();
document.addEventListener("studio:changed", count);

// --- the months, asked for when somebody opens them
const months = document.querySelector("[data-months]");

async function loadMonths() {
  if (!months.open) return;
  const query = new URLSearchParams(location.search);
  for (const name of ["before", "after", "from"]) query.delete(name);
  const answer = await fetch(`${months.dataset.months}?${query}`, { redirect: "error" }).catch(() => null);
  if (answer?.ok) months.querySelector("[data-list]").innerHTML = await answer.text();
}

months.addEventListener("toggle", loadMonths);

// --- the size of the thumbnails, which the server reads from the cookie
const slider = document.querySelector("[data-thumbnails]");

function resize() {
  const grid = document.querySelector("#results .grid");
  if (grid) grid.className = `grid grid--${slider.value}`;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `thumbnails=${slider.value}; path=/; max-age=31536000; samesite=lax${secure}`;
}

slider.addEventListener("input", resize);

// --- what drops down closes by Escape and by a click elsewhere
const drops = [...document.querySelectorAll(".filters details")];

document.addEventListener("click", ({ target }) => {
  for (const drop of drops) if (!drop.contains(target)) drop.open = false;
});
for (const drop of drops) {
  drop.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drop.open) return;
    event.stopPropagation();
    drop.open = false;
    drop.querySelector("summary").focus();
  });
}
