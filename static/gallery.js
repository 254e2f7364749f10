// What the gallery shows changes in place: by each word that is typed, by filters, chips and months, by back and forward.
// The address always says what is shown. Without this script the same form and links load the page anew.

import { addShortcut } from "studio";

const PAUSE = 250; // ms, between two letters
const CURSORS = ["before", "after", "from"];
const form = document.getElementById("filters");
const rail = document.getElementById("rail");
const months = form.querySelector("[data-months]");
const search = form.elements.q;
const selection = document.getElementById("selection");
const announce = document.querySelector(".gallery [data-announce]");
const results = () => document.getElementById("results");
const grid = () => results().querySelector(".grid");
let shown = location.href; // without the place to which somebody has scrolled
let asked = null, timer = 0, isTyping = false;

async function load(address) {
  asked?.abort();
  asked = new AbortController();
  const part = new URL(address);
  part.searchParams.set("part", "results");
  const headers = { "HX-Request": "true", "HX-Current-URL": address };
  const answer = await fetch(part, { headers, redirect: "manual", signal: asked.signal });
  if (!answer.ok) throw new Error(String(answer.status));
  htmx.swap(results(), await answer.text(), { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
}

async function show(address) {
  shown = address;
  const hadFocus = results().contains(document.activeElement);
  try {
    await load(address);
  } catch (error) {
    if (error.name === "AbortError") return false;
    location.assign(address); // signed out, or the connection is lost: the browser says it best
    return false;
  }
  follow(new URL(address).searchParams);
  const title = results().querySelector("h1");
  if (hadFocus) focusOn(title);
  announce.textContent = grid() ? summary() : title.textContent;
  return true;
}

function summary() {
  const number = grid().querySelectorAll(".card").length, { foundOne, foundMany, foundMore } = form.dataset;
  const words = grid().querySelector(".pager") ? foundMore : number === 1 ? foundOne : foundMany;
  return words.replace("#", number);
}

function focusOn(title) {
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

// the form, the rail and the selection go with what is shown
function follow(query) {
  for (const field of form.elements) {
    if (!field.name || field === document.activeElement) continue;
    if (field.type === "checkbox") field.checked = query.has(field.name);
    else field.value = query.get(field.name) || "";
  }
  const place = (params) => ["team", "collection", "tag", "favourite"].map((name) => params.get(name) || "").join();
  for (const item of rail.querySelectorAll("a[data-count]")) {
    const isHere = item.pathname === location.pathname && place(new URL(item.href).searchParams) === place(query);
    if (isHere) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  form.querySelector("[data-active]").textContent = results().dataset.active;
  months.hidden = !("long" in results().dataset);
  selection.elements.next.value = location.pathname + location.search;
}

async function go(address, { replaces = false } = {}) {
  clearTimeout(timer);
  if (!replaces) isTyping = false;
  if (address === location.href) return;
  history[replaces ? "replaceState" : "pushState"]({}, "", address);
  if (!(await show(address))) return;
  const top = form.getBoundingClientRect().top;
  if (top < 0) scrollBy({ top, behavior: "instant" });
}

function addressOfForm() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  const address = new URL(form.action);
  address.search = query;
  return address.href;
}

// the letters of one search are one step back
function typed(event) {
  clearTimeout(timer);
  if (event.isComposing) return;
  timer = setTimeout(() => {
    const replaces = isTyping;
    isTyping = true;
    go(addressOfForm(), { replaces });
    isTyping = true;
  }, PAUSE);
}

search.addEventListener("input", typed);
search.addEventListener("blur", () => (isTyping = false));
form.addEventListener("change", ({ target }) => target.name && target !== search && go(addressOfForm()));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const drop of form.querySelectorAll("details")) drop.open = false;
  go(addressOfForm(), { replaces: isTyping });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#results a[data-in-place], [data-list] a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const drop = link.closest("details");
  if (drop) {
    drop.open = false;
    drop.querySelector("summary").focus();
  }
  go(link.href);
});

document.addEventListener("studio:reload", () => show(shown));

// --- The address names the card on top of what is seen, so that going back comes back there, however deep that is.
const isSeen = (card) => card.getBoundingClientRect().bottom > 80;
const top = () =>
  [...grid().querySelectorAll(".card")].find((card, at, { length }) => isSeen(card) || at === length - 1);
let settled = 0;

function remember(card) {
  clearTimeout(settled);
  if (!card) return; // the last one has just gone
  const address = new URL(shown);
  if (scrollY > innerHeight) {
    for (const name of CURSORS) address.searchParams.delete(name);
    address.searchParams.set("from", card.dataset.place);
  }
  history.replaceState({ card: card.id, y: card.getBoundingClientRect().top }, "", address);
}

function comeBack() {
  const card = history.state?.card && document.getElementById(history.state.card);
  if (card) scrollBy({ top: card.getBoundingClientRect().top - history.state.y, behavior: "instant" });
}

history.scrollRestoration = "manual"; // the browser would go by pixels, of a page that is shorter now
comeBack();
addEventListener("popstate", async () => (await show(location.href)) && comeBack());
addEventListener("scroll", () => {
  clearTimeout(settled);
  settled = setTimeout(() => grid() && remember(top()), 200);
}, { passive: true });
// it may lead away
document.addEventListener("click", ({ target }) => target.closest?.("#results .card") && remember(top()), true);

addShortcut("/", search.placeholder, () => search.focus());

// --- A card under the pointer or the focus plays its small muted preview.

const AFTER = 250; // ms: who passes by wants no video
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches || navigator.connection?.saveData;
let previewTimer = 0, playing = null;

function stopPreview() {
  clearTimeout(previewTimer);
  if (!playing) return;
  playing.removeAttribute("src");
  playing.load(); // frees the buffer
  playing.remove();
  playing = null;
}

function playPreview(poster) {
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
  stopPreview();
  if (poster) previewTimer = setTimeout(playPreview, AFTER, poster);
}

function leave(event) {
  const card = event.target.closest?.(".card");
  if (card && !card.contains(event.relatedTarget)) stopPreview();
}

document.addEventListener("pointerover", come);
document.addEventListener("focusin", come);
document.addEventListener("pointerout", leave);
document.addEventListener("focusout", leave);

// --- how many there are in each place of the rail; the page does not wait for it

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
async function loadMonths() {
  if (!months.open) return;
  const query = new URLSearchParams(location.search);
  for (const name of CURSORS) query.delete(name);
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

// --- Arrow keys walk from card to card, and Space shows the one at hand as large as the screen: there the arrows walk on,
// f is its heart, and Escape leads back to it.

const dialog = document.getElementById("lightbox");
const stage = dialog.querySelector("[data-stage]");
const lightboxLink = dialog.querySelector("[data-link]");
const heart = dialog.querySelector("[data-heart]");
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const NEAR_THE_END = 4; // cards
let current = null;

const cards = () => [...document.querySelectorAll("#results .card")];
const prompt = (card) => card.querySelector(".card__prompt");
const isOnScreen = ({ top, bottom }) => bottom > 0 && top < innerHeight;

function focusOnCard(card) {
  prompt(card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", behavior: "instant" });
}

// the nearest one of the next row, above or below
function inNextRow(card, direction) {
  const from = card.getBoundingClientRect(), middle = (from.left + from.right) / 2;
  const distance = ({ top, left, right }) => Math.abs(top - from.top) * 4 + Math.abs((left + right) / 2 - middle);
  const isBeyond = ({ top, bottom }) => direction > 0 ? top >= from.bottom - 1 : bottom <= from.top + 1;
  return cards()
    .map((other) => ({ other, place: other.getBoundingClientRect() }))
    .filter(({ place }) => isBeyond(place))
    .reduce((best, one) => (!best || distance(one.place) < distance(best.place) ? one : best), null)?.other;
}

function neighbour(card, key) {
  if (key === "ArrowUp" || key === "ArrowDown") return inNextRow(card, key === "ArrowDown" ? 1 : -1);
  const isForward = (key === "ArrowRight") === (document.dir !== "rtl");
  const every = cards(), at = every.indexOf(card);
  if (isForward && at + NEAR_THE_END >= every.length) loadMore();
  return every[at + (isForward ? 1 : -1)];
}

function loadMore() {
  const ahead = document.querySelector(".pager__ahead");
  if (ahead) htmx.trigger(ahead, "intersect");
}

function walk({ key, target }) {
  const card = target.closest(".card");
  if (!card && (key === "ArrowUp" || key === "ArrowDown")) return false; // the page scrolls
  const next = card ? neighbour(card, key) : cards().find((one) => isOnScreen(one.getBoundingClientRect()));
  if (!next) return false;
  return focusOnCard(next);
}

function fill(card) {
  current = card;
  const poster = card.querySelector(".card__poster");
  stage.replaceChildren(poster ? videoOf(card, poster) : stateOf(card));
  lightboxLink.textContent = prompt(card).textContent.trim();
  lightboxLink.href = prompt(card).href;
  showHeart();
}

function videoOf(card, poster) {
  const video = document.createElement("video");
  Object.assign(video, { controls: true, loop: true, muted: true, playsInline: true, autoplay: !isCalm() });
  video.poster = poster.src;
  video.src = new URL("video", prompt(card).href.split("?")[0]);
  video.setAttribute("aria-label", prompt(card).textContent.trim());
  return video;
}

function stateOf(card) {
  const words = document.createElement("p");
  words.textContent = [...card.querySelectorAll(".card__state p, .chip")].map((one) => one.textContent.trim()).join(
    " · ",
  );
  return words;
}

function showHeart() {
  heart.setAttribute("aria-pressed", current.querySelector("[data-favourite]").getAttribute("aria-pressed"));
}

function favourite() {
  current.querySelector("[data-favourite]").click(); // selection.js says when it is one
}

function turnTo(key) {
  if (!current.isConnected) current = document.getElementById(current.id) || cards()[0]; // a live update has replaced it
  const next = current && neighbour(current, key);
  if (!next) return;
  next.scrollIntoView({ block: "nearest", behavior: "instant" });
  fill(next);
}

function openLightbox({ target }) {
  if (target.closest("button, input, summary, a:not(.card__prompt)")) return false; // there, Space is that one's own
  const card = target.closest(".card") || document.querySelector("#results .card:hover");
  if (!card) return false;
  fill(card);
  dialog.showModal();
  return dialog.focus();
}

function pressedInLightbox(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS.includes(event.key) && event.target.tagName !== "VIDEO") turnTo(event.key);
  else if (event.key === "f") favourite();
  else if (event.key === " " && event.target === dialog) dialog.close();
  else return;
  event.preventDefault();
}

function closedLightbox() {
  stage.replaceChildren();
  const card = current && document.getElementById(current.id);
  if (card) focusOnCard(card);
}

dialog.tabIndex = -1;
document.addEventListener("studio:changed", () => dialog.open && showHeart());
dialog.addEventListener("keydown", pressedInLightbox);
dialog.addEventListener("close", closedLightbox);
for (const button of dialog.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => turnTo(button.dataset.go === "1" ? "ArrowRight" : "ArrowLeft"));
}
heart.addEventListener("click", favourite);
dialog.querySelector("[data-shut]").addEventListener("click", () => dialog.close());
addShortcut(ARROWS, dialog.dataset.keyWalk, walk);
addShortcut(" ", dialog.dataset.keyPreview, openLightbox);
