// Help with the prompt: what the fields say becomes sentences, or a language model rewrites it. Either is shown as a
// change, word by word, before it replaces a word that somebody typed.

import { replacePrompt } from "studio/composer";

const help = document.querySelector("[data-help]");
const composer = document.getElementById("composer");
const change = help.querySelector("[data-change]");
const status = help.querySelector("[data-help-status]");
const append = help.querySelector("[data-append]");
const { prompt, lines, csrfmiddlewaretoken } = composer.elements;
let suggested = "";

const say = (words) => (status.textContent = words);

const ENDED = /[.!?…。！？]["”’)]?$/u;
function sentence(part) {
  const text = part.value.trim();
  if (!text) return "";
  return text[0].toLocaleUpperCase() + text.slice(1) + (ENDED.test(text) ? "" : ".");
}

// the longest common subsequence of words: [kind, word] in reading order, of kinds "", "del" and "ins"
function difference(before, after) {
  const one = before.match(/\s+|\S+/gu) || [], other = after.match(/\s+|\S+/gu) || [];
  const length = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      length[i][j] = one[i] === other[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const words = [];
  let i = 0, j = 0;
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) words.push(["", one[i++]]), j++;
    else if (j < other.length && (i === one.length || length[i][j + 1] > length[i + 1][j])) {
      words.push(["ins", other[j++]]);
    } else words.push(["del", one[i++]]);
  }
  return words;
}

function element([kind, word]) {
  if (!kind) return word;
  const made = document.createElement(kind);
  made.textContent = word;
  return made;
}

function close() {
  change.hidden = true;
  prompt.focus();
}

// `canAppend`: it is a piece of its own, which may also stand behind what is there
function suggest(text, canAppend) {
  change.hidden = true;
  if (text === prompt.value.trim()) return say(status.dataset.same);
  say("");
  if (!prompt.value.trim()) return use(text);
  suggested = text;
  append.hidden = !canAppend;
  change.querySelector("[data-words]").replaceChildren(...difference(prompt.value, text).map(element));
  change.hidden = false;
  change.focus();
}

function use(text) {
  replacePrompt(text);
  close();
}

async function rewrite(button) {
  const buttons = help.querySelectorAll("[data-rewriting]");
  change.hidden = true;
  say(status.dataset.waits);
  for (const each of buttons) each.disabled = true;
  try {
    const body = new URLSearchParams({ prompt: prompt.value, rewriting: button.dataset.rewriting });
    body.set("csrfmiddlewaretoken", csrfmiddlewaretoken.value);
    const answer = await fetch(help.dataset.rewrite, { method: "POST", body, redirect: "error" });
    const { prompt: text, error } = await answer.json();
    if (error) say(error);
    else suggest(text.trim(), false);
  } catch {
    say(status.dataset.failed);
  } finally {
    for (const each of buttons) each.disabled = false;
  }
}

document.getElementById("prompt-help").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = [...help.querySelectorAll("[data-part]")].map(sentence).filter(Boolean).join(" ");
  if (text) suggest(text, true);
  else say(status.dataset.blank);
});
for (const button of help.querySelectorAll("[data-rewriting]")) button.addEventListener("click", () => rewrite(button));
help.querySelector("[data-use]").addEventListener("click", () => use(suggested));
append.addEventListener("click", () => use(prompt.value.trimEnd() + (lines.checked ? "\n" : " ") + suggested));
help.querySelector("[data-keep]").addEventListener("click", close);
for (const name of ["input", "change"]) {
  help.addEventListener(name, (event) => event.stopPropagation()); // none of the form's
}
