// Arrow keys walk from card to card, and Space shows the one at hand as large as the screen: there the arrows walk on,
// f is its heart, and Escape leads back to it.

import { addShortcut } from "studio/shortcuts";

const dialog = document.getElementById("lightbox");
const stage = dialog.querySelector("[data-stage]");
const link = dialog.querySelector("[data-link]");
const heart = dialog.querySelector("[data-heart]");
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
const NEAR_THE_END = 4; // cards
let current = null;

const cards = () => [...document.querySelectorAll("#results .card")];
const prompt = (card) => card.querySelector(".card__prompt");
const isSeen = ({ top, bottom }) => bottom > 0 && top < innerHeight;

function focusOn(card) {
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
  const next = card ? neighbour(card, key) : cards().find((one) => isSeen(one.getBoundingClientRect()));
  if (!next) return false;
  return focusOn(next);
}

function fill(card) {
  current = card;
  const poster = card.querySelector(".card__poster");
  stage.replaceChildren(poster ? videoOf(card, poster) : stateOf(card));
  link.textContent = prompt(card).textContent.trim();
  link.href = prompt(card).href;
  showHeart();
}

function videoOf(card, poster) {
  const video = document.createElement("video");
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  Object.assign(video, { controls: true, loop: true, muted: true, playsInline: true, autoplay: !isCalm });
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

function go(key) {
  if (!current.isConnected) current = document.getElementById(current.id) || cards()[0]; // a live update has replaced it
  const next = current && neighbour(current, key);
  if (!next) return;
  next.scrollIntoView({ block: "nearest", behavior: "instant" });
  fill(next);
}

function open({ target }) {
  if (target.closest("button, input, summary, a:not(.card__prompt)")) return false; // there, Space is that one's own
  const card = target.closest(".card") || document.querySelector("#results .card:hover");
  if (!card) return false;
  fill(card);
  dialog.showModal();
  return dialog.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS.includes(event.key) && event.target.tagName !== "VIDEO") go(event.key);
  else if (event.key === "f") favourite();
  else if (event.key === " " && event.target === dialog) dialog.close();
  else return;
  event.preventDefault();
}

function closed() {
  stage.replaceChildren();
  const card = current && document.getElementById(current.id);
  if (card) focusOn(card);
}

dialog.tabIndex = -1;
document.addEventListener("studio:changed", () => dialog.open && showHeart());
dialog.addEventListener("keydown", pressed);
dialog.addEventListener("close", closed);
for (const button of dialog.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => go(button.dataset.go === "1" ? "ArrowRight" : "ArrowLeft"));
}
heart.addEventListener("click", favourite);
dialog.querySelector("[data-shut]").addEventListener("click", () => dialog.close());
addShortcut(ARROWS, dialog.dataset.keyWalk, walk);
addShortcut(" ", dialog.dataset.keyPreview, open);
