// A storyboard's shots are put in order without leaving the page: by their arrows, and dragged by their handles with
// mouse, pen or finger. It works without this, too: each arrow is a button of the form.

import { toast } from "studio";

const list = document.querySelector("[data-shots]");
const form = document.getElementById("storyboard");
const status = document.querySelector("[data-moved]");
const EDGE = 80, STEP = 16; // px from the window's edge where it scrolls, and how far at once

const shots = () => [...list.children];
let saving = Promise.resolve(); // one after the other, in the order in which they were moved

function renumber() {
  const all = shots();
  for (const [index, shot] of all.entries()) {
    const number = shot.querySelector("[data-number]");
    const [before, now] = [number.textContent, String(index + 1)];
    number.textContent = now;
    for (const each of shot.querySelectorAll("[aria-label]")) {
      each.setAttribute("aria-label", each.getAttribute("aria-label").replace(before, now));
    }
    for (const arrow of shot.querySelectorAll("[data-by]")) arrow.disabled = !all[index + Number(arrow.dataset.by)];
  }
}

// `shot` stands in its new place already
function save(shot) {
  renumber();
  const place = shots().indexOf(shot);
  status.textContent = status.dataset.words.replace("%1", place + 1).replace("%2", shots().length);
  saving = saving.then(() => send(shot, place));
}

async function send(shot, place) {
  const body = new URLSearchParams({
    csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
    verb: `move:${shot.dataset.shot}:${place}`,
  });
  let words = status.dataset.failed;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      redirect: "manual",
      keepalive: true, // also when the page is left meanwhile
    });
    if (answer.ok) return;
    if (answer.status === 409) words = await answer.text();
  } catch {
    // said below
  }
  toast(words);
}

// --- arrows
list.addEventListener("click", (event) => {
  const arrow = event.target.closest("[data-by]");
  if (!arrow) return;
  event.preventDefault();
  const shot = arrow.closest("[data-shot]");
  if (arrow.dataset.by === "-1") shot.previousElementSibling.before(shot);
  else shot.nextElementSibling.after(shot);
  save(shot);
  const next = arrow.disabled ? shot.querySelector("[data-by]:enabled") : arrow; // the end is reached
  next?.focus();
  shot.scrollIntoView({ block: "nearest" });
});

// --- dragged
let dragged = null; // the shot, what it stood before, and where the pointer is

function scroll() {
  if (!dragged) return;
  const { y } = dragged;
  if (y < EDGE) scrollBy(0, -STEP);
  else if (y > innerHeight - EDGE) scrollBy(0, STEP);
  requestAnimationFrame(scroll);
}

list.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest("[data-handle]");
  if (!handle || event.button) return;
  event.preventDefault();
  const shot = handle.closest("[data-shot]");
  dragged = { shot, next: shot.nextElementSibling, over: shot, y: event.clientY };
  handle.setPointerCapture(event.pointerId);
  shot.classList.add("shot--dragged");
  requestAnimationFrame(scroll);
});

list.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  dragged.y = event.clientY;
  const over = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-shot]");
  if (!over || over === dragged.over) return;
  dragged.over = over;
  if (over === dragged.shot) return;
  const isFurther = dragged.shot.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (isFurther) over.after(dragged.shot);
  else over.before(dragged.shot);
});

function drop(isKept) {
  if (!dragged) return;
  const { shot, next } = dragged;
  dragged = null;
  shot.classList.remove("shot--dragged");
  if (!isKept) list.insertBefore(shot, next);
  else if (shot.nextElementSibling !== next) save(shot);
}

list.addEventListener("pointerup", () => drop(true));
list.addEventListener("pointercancel", () => drop(false));
document.addEventListener("keydown", ({ key }) => key === "Escape" && drop(false));
