// The composer, made comfortable: counts, one press one video. It works without this, too.

import { beforeEachSave, reach } from "studio/draft";
import { toast } from "studio/toasts";

const form = document.getElementById("composer");
const number = new Intl.NumberFormat(document.documentElement.lang);

// --- the prompt's length, counted as the server counts it: code points
const points = (text) => [...text].length;
const lengthOf = (field) =>
  field.name === "prompt" && form.elements.lines.checked
    ? Math.max(...field.value.split("\n").map((line) => points(line.trim()))) // each line has the limit for itself
    : points(field.value);
for (const field of form.querySelectorAll("[data-count]")) {
  const count = form.querySelector(field.dataset.count);
  const limit = Number(count.dataset.limit);
  const show = () => {
    const length = lengthOf(field);
    const over = length > limit ? ` · ${number.format(length - limit)} ${count.dataset.over}` : "";
    count.textContent = `${number.format(length)} / ${number.format(limit)}${over}`;
    count.classList.toggle("count--over", length > limit);
  };
  field.addEventListener("input", show);
  form.elements.lines.addEventListener("change", show);
  show();
}

// --- the slider beside the number
for (const slider of form.querySelectorAll("[data-slides]")) {
  const field = form.querySelector(slider.dataset.slides);
  const follow = () => {
    if (field.value.trim() !== "" && isFinite(field.value)) slider.value = field.value;
  };
  slider.parentElement.hidden = false;
  slider.addEventListener("input", () => (field.value = slider.value));
  field.addEventListener("input", follow);
  follow();
}

// --- how many videos, what they cost together, and whether the budget has it
const lines = form.elements.lines;
// as the server judges it: a prompt must show something
const BLANK = /[\p{Default_Ignorable_Code_Point}\p{Emoji_Modifier}\u2800\ufffc\u{13441}\u{13442}\u{1d159}]/gu;
const isVisible = (text) => /[\p{L}\p{N}\p{P}\p{S}]/u.test(text.replace(BLANK, " "));
const money = (cents) => `$${(cents / 100).toLocaleString("en-US", { minimumFractionDigits: 2 })}`;
const count = () =>
  lines.checked
    ? form.elements.prompt.value.split("\n").filter(isVisible).length || 1
    : Number(form.elements.variations.value) || 1;

function total() {
  const words = form.querySelector("#order-count");
  const many = count();
  words.textContent = many > 1 ? words.dataset.many.replace("%s", number.format(many)) : words.dataset.one;
  for (const price of form.querySelectorAll(".price")) price.textContent = money(price.dataset.cents * many);
  const { kind, duration, team } = form.elements;
  const cents = form.querySelector(`.price--${kind.value}-${duration.value}`)?.dataset.cents * many;
  for (const left of form.querySelectorAll(".order__left")) {
    left.hidden = left.dataset.team !== team.value;
    left.classList.toggle("order__left--passed", cents > Number(left.dataset.left));
  }
}
form.addEventListener("input", total);
form.addEventListener("change", total);
window.addEventListener("pageshow", total);
total();

// --- one press, one order
const button = form.querySelector("button[data-busy]");
const label = button.textContent;

const content = () => {
  const parts = [];
  for (const [name, value] of new FormData(form)) {
    if (name === "idempotency_key" || name === "csrfmiddlewaretoken" || name.startsWith("draft")) continue;
    parts.push([name, value instanceof File ? `${value.name}/${value.size}/${value.lastModified}` : value]);
  }
  return JSON.stringify(parts);
};

const fresh = () =>
  crypto.randomUUID?.() ||
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
    (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

// Who comes back and changes something wants a second video; the same thing sent again is still the first.
const key = form.elements.idempotency_key;
const renew = () => {
  const sent = sessionStorage.getItem(key.value);
  if (sent !== null && sent !== content()) key.value = fresh();
};
beforeEachSave(renew);

// --- an earlier prompt goes into the field and leaves the rest as it is
for (const link of form.querySelectorAll(".recent__one")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    form.elements.prompt.value = link.textContent;
    form.elements.prompt.dispatchEvent(new Event("input", { bubbles: true }));
    link.closest("details").open = false;
    form.elements.prompt.focus();
  });
}

// --- a preset is saved without leaving the page, so that chosen files stay
const save = form.querySelector("#preset-save");

async function savePreset() {
  const values = new FormData(form);
  for (const [name, value] of [...values]) if (value instanceof File) values.delete(name);
  try {
    const answer = await fetch(save.formAction, { method: "POST", body: values });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const presets = page.getElementById("presets");
    if (!answer.ok || !presets) throw new Error(String(answer.status));
    document.getElementById("presets").replaceWith(presets);
    toast(page.querySelector(".notice span").textContent);
    if (page.querySelector(".notice--success")) form.elements.preset_name.value = "";
  } catch {
    toast(save.dataset.failed);
  }
}
form.elements.preset_name.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  event.stopPropagation();
  savePreset();
});

function setBusy(isBusy) {
  button.disabled = isBusy;
  button.textContent = isBusy ? button.dataset.busy : label;
  button.setAttribute("aria-busy", String(isBusy));
}

// what a broken connection or an answer of trouble would lose stays here
async function order() {
  renew();
  setBusy(true);
  if (!(await reach())) return setBusy(false);
  sessionStorage.setItem(key.value, content());
  form.submit();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter === save) savePreset();
  else if (!button.disabled) order();
});
window.addEventListener("pageshow", () => setBusy(false));
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
});
