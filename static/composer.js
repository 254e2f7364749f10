// The composer, made comfortable: counts, one press one video. It works without this, too.

import { beforeEachSave, reach } from "studio/draft";
import { addShortcut, toast } from "studio";

const WAIT = 200; // ms behind the last letter
const form = document.getElementById("composer");
const number = new Intl.NumberFormat(document.documentElement.lang);

const many = ({ dataset }, n) => (n > 1 ? dataset.many.replace("%s", number.format(n)) : dataset.one);

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
    const over = length > limit ? ` · ${many(count, length - limit)}` : "";
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
const count = () => {
  const videos = lines.checked
    ? form.elements.prompt.value.split("\n").filter(isVisible).length || 1
    : Number(form.elements.variations.value) || 1;
  const combinations = combinationsByPrompt();
  if (!combinations) return videos;
  const sum = combinations.reduce((all, one) => all + one, 0) || 1;
  return lines.checked ? sum : sum * videos;
};

// --- the variables of the prompts: the server says which there are, and how many of them each prompt has
const TEMPLATES = ["prompt", "negative_prompt", "lines"];
let asking = Promise.resolve(), isStale = false, askTimer = 0;
const variables = () => document.getElementById("variables");
const valuesOf = (field) =>
  field.matches("fieldset")
    ? [...field.querySelectorAll(":checked")].map(({ value }) => value)
    : [...new Set(field.querySelector("textarea").value.split(/[|\n]/).map((one) => one.trim()).filter(isVisible))];

function combinationsByPrompt() {
  const fields = [...variables().querySelectorAll("[data-variable]")];
  if (!fields.length) return null;
  const counts = new Map(fields.map((field) => [field.dataset.variable, valuesOf(field).length || 1]));
  const product = (names) => names.reduce((all, name) => all * (counts.get(name) ?? 1), 1);
  return JSON.parse(variables().dataset.prompts).map(product);
}

const mayHaveVariables = () => TEMPLATES.some((name) => form.elements[name].value.includes("{"));

async function showVariables() {
  isStale = false;
  const values = new FormData(form);
  for (const [name, value] of [...values]) if (value instanceof File) values.delete(name);
  const answer = await fetch(form.dataset.variables, { method: "POST", body: values, redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  replaceVariables(page.getElementById("variables"));
  total();
}

// what has been typed and chosen since the question stays, and what stays the same is not touched
function replaceVariables(found) {
  const names = (part) =>
    [...part.querySelectorAll("[data-variable], [name=choices]")].map((one) => one.dataset.variable ?? one.value).join(
      "\n",
    );
  if (names(found) === names(variables())) {
    variables().dataset.prompts = found.dataset.prompts;
    return;
  }
  for (const field of found.querySelectorAll("textarea, [type=checkbox]")) {
    const same = ({ name, type, value }) =>
      name === field.name && type === field.type && (type !== "checkbox" || value === field.value);
    const known = [...variables().querySelectorAll("textarea, [type=checkbox]")].find(same);
    if (known) [field.value, field.checked] = [known.value, known.checked];
  }
  const { id } = document.activeElement;
  variables().replaceWith(found);
  if (id) document.getElementById(id)?.focus();
}

const ask = () => {
  clearTimeout(askTimer);
  asking = asking.then(showVariables).catch(() => (isStale = true)); // the server asks for them when it is sent
  return asking;
};
function planVariables() {
  isStale = mayHaveVariables() || !variables().hidden;
  clearTimeout(askTimer);
  if (isStale) askTimer = setTimeout(ask, WAIT);
}
for (const name of TEMPLATES) {
  for (const event of ["input", "change"]) form.elements[name].addEventListener(event, planVariables);
}

const bar = form.querySelector("[data-order]");
const button = form.querySelector("#generate");
let isBusy = false;

const chosenProject = () => [...(form.elements.project?.selectedOptions ?? [])];

// a project is a team's: those of the others can't be chosen
function offerProjects() {
  const { project, team } = form.elements;
  if (!project) return;
  for (const option of project.options) {
    option.hidden = option.disabled = Boolean(option.dataset.of) && option.dataset.of !== team.value;
    if (option.selected && option.disabled) project.value = "";
  }
}

// the same words as the server's, should it be asked all the same
function obstacle(team, cents) {
  const own = [...bar.querySelectorAll("[data-team]")].filter((each) => each.dataset.team === team);
  const paused = own.find((each) => each.matches(".order__paused"));
  if (paused) return paused.textContent.trim();
  const left = [...own, ...chosenProject()].find((each) => cents > Number(each.dataset.left));
  return left ? `${bar.dataset.over.replace("%s", money(cents))} ${left.dataset.words}` : "";
}

// of the source, the length and, where there is a choice, the quality
function price() {
  const { kind, quality, duration } = form.elements;
  return [...bar.querySelectorAll(".price")].find(({ dataset }) =>
    dataset.kind === kind.value && dataset.seconds === duration.value && ["", quality.value].includes(dataset.quality)
  );
}

function total() {
  offerProjects();
  const videos = count();
  const counted = bar.querySelector("[data-order-count]");
  counted.textContent = many(counted, videos);
  for (const price of bar.querySelectorAll(".price")) {
    price.querySelector("[data-total]").textContent = money(price.dataset.cents * videos);
  }
  const { team } = form.elements;
  const cents = price()?.dataset.cents * videos;
  for (const each of bar.querySelectorAll("[data-team]")) {
    const isPassed = cents > Number(each.dataset.left);
    each.classList.toggle("order__left--passed", isPassed);
    each.hidden = each.dataset.team !== team.value || isPassed || each.matches(".order__paused"); // the reason says it
  }
  showButton(obstacle(team.value, cents), `${many(bar, videos)}${isNaN(cents) ? "" : ` · ${money(cents)}`}`);
}

function showButton(why, words) {
  const reason = bar.querySelector("#order-why");
  if (reason.textContent !== why) reason.textContent = why; // said once
  button.disabled = isBusy || Boolean(why);
  button.setAttribute("aria-busy", String(isBusy));
  button.textContent = isBusy ? button.dataset.busy : words;
}

function setBusy(isNow) {
  isBusy = isNow;
  total();
}
form.addEventListener("input", total);
form.addEventListener("change", total);
window.addEventListener("pageshow", () => setBusy(false));
total();

// --- one press, one order
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

// --- earlier prompts are fetched when they are asked for; one goes into the field and leaves the rest as it is
const recent = form.querySelector("[data-recent]");
const query = form.querySelector("#recent-query");
let searches = 0, timer = 0;

async function findPrompts() {
  const search = ++searches;
  const status = recent.querySelector("[data-recent-status]");
  try {
    const address = `${recent.dataset.recent}?part=list&q=${encodeURIComponent(query.value)}`;
    const answer = await fetch(address, { redirect: "error", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (search !== searches) return; // a newer one is on its way
    const list = page.querySelector("[data-recent-list]");
    recent.querySelector("[data-recent-list]").replaceWith(list);
    status.textContent = query.value ? list.querySelector("p")?.textContent.trim() || "" : "";
  } catch {
    if (search === searches) status.textContent = recent.dataset.failed;
  }
}

export function replacePrompt(words) {
  const { prompt } = form.elements;
  const before = prompt.value;
  const put = (text) => {
    prompt.value = text;
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
  };
  put(words);
  prompt.focus();
  if (before.trim()) toast(recent.dataset.replaced, { label: recent.dataset.undo, run: () => put(before) });
}

recent.addEventListener("toggle", () => recent.open && findPrompts());
recent.addEventListener("click", (event) => {
  const link = event.target.closest(".recent__one");
  if (!link) return;
  event.preventDefault();
  recent.open = false;
  replacePrompt(link.dataset.prompt);
});
query.addEventListener("input", (event) => {
  event.stopPropagation(); // none of the form's
  clearTimeout(timer);
  timer = setTimeout(findPrompts, WAIT);
});
query.form.addEventListener("submit", (event) => {
  event.preventDefault();
  findPrompts();
});

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

// what a broken connection or an answer of trouble would lose stays here
async function order() {
  renew();
  setBusy(true);
  const shown = count();
  await (isStale ? ask() : asking);
  if (count() !== shown) return setBusy(false); // first the new price
  if (!(await reach())) return setBusy(false);
  sessionStorage.setItem(key.value, content());
  form.submit();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter === save) savePreset();
  else if (!button.disabled) order();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
});
addShortcut("Ctrl+Enter", form.dataset.keys, () => false); // in the list; the form hears it itself
