// Selection in the gallery beyond checkboxes: shift-click takes a range, x the video at hand, Escape lets go of all.
// Hearts answer at once. Without this script each is a plain button of the form.

import { addShortcut } from "studio/shortcuts";
import { toast } from "studio/toasts";

const form = document.getElementById("selection");
const count = form?.querySelector(".selection__count");
const chosen = new Set(); // ids; a live update brings a card as a new element
let last = null; // the box from which shift takes a range

const boxes = () => [...document.querySelectorAll(".card__select input")];
const checked = () => boxes().filter((box) => box.checked);
const isTooMany = (number) => number > Number(count.dataset.limit);

function show() {
  const number = checked().length;
  const words = number === 1 ? count.dataset.one : count.dataset.many.replace("#", number);
  count.textContent = isTooMany(number) ? `${words} · ${count.dataset.most}` : words;
  count.classList.toggle("selection__count--over", isTooMany(number));
}

// said here, where the selection stays; the server would say it on a page without
function limit(event) {
  if (!isTooMany(checked().length) || event.submitter?.matches("[data-favourite]")) return;
  event.preventDefault();
  toast(count.dataset.most);
}

function set(box, isOn) {
  box.checked = isOn;
  chosen[isOn ? "add" : "delete"](box.value);
}

function setRange(from, to, isOn) {
  const all = boxes();
  const [first, final] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (first >= 0) all.slice(first, final + 1).forEach((box) => set(box, isOn));
}

function clicked(event) {
  const box = event.target.closest?.(".card__select input");
  if (!box) return;
  const before = boxes().find((other) => other.value === last);
  if (event.shiftKey && before) setRange(before, box, box.checked);
  set(box, box.checked);
  last = box.value;
  show();
}

function switchCard() {
  const card = document.activeElement.closest(".card") || document.querySelector(".card:hover");
  const box = card?.querySelector(".card__select input");
  if (!box) return false;
  set(box, !box.checked);
  last = box.value;
  return show();
}

function clear() {
  boxes().forEach((box) => set(box, false));
  for (const open of form.querySelectorAll("details[open]")) open.open = false;
  show();
}

function pressed(event) {
  if (event.key === "Escape") form.querySelector("details[open]")?.removeAttribute("open");
  if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
  event.preventDefault();
  event.target.closest(".selection__name").querySelector("button").click();
}

async function favourite(event) {
  const heart = event.target.closest?.("[data-favourite][form=selection]");
  if (!heart) return;
  event.preventDefault();
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(heart.formAction, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect") return form.requestSubmit(heart);
  heart.setAttribute("aria-pressed", heart.getAttribute("aria-pressed") !== "true");
}

// the filters know the names already; asking the database once more is not worth it
function fillNames() {
  for (const list of form.querySelectorAll("datalist")) {
    const known = document.getElementById(list.dataset.from)?.options || [];
    list.append(...[...known].filter((option) => option.value).map((option) => new Option("", option.text)));
  }
}

function loaded(event) {
  for (const box of event.detail.elt.querySelectorAll?.(".card__select input") || []) {
    box.checked ||= chosen.has(box.value);
  }
  show();
}

function shown() {
  checked().forEach((box) => chosen.add(box.value));
  show();
}

if (form) {
  form.addEventListener("submit", limit);
  form.addEventListener("keydown", pressed);
  form.addEventListener("toggle", ({ target }) => target.open && target.querySelector("input")?.focus(), true);
  document.addEventListener("click", clicked);
  document.addEventListener("click", favourite);
  document.addEventListener("htmx:load", loaded);
  window.addEventListener("pageshow", shown);
  addShortcut("x", form.dataset.keySelect, switchCard);
  addShortcut("Escape", form.dataset.keyClear, clear);
  fillNames();
}
