// The composer's draft: what is typed is kept on the server a moment later, so that it is back wherever the person
// returns. Before an order is sent it is saved once more: an answer of trouble then stays on this page.

const form = document.getElementById("composer");
const status = form.querySelector("[data-draft-status]");
const AFTER = 800, AGAIN = 5000, PATIENCE = 20000; // ms
const IGNORED = new Set(["csrfmiddlewaretoken", "idempotency_key", "draft_of", "draft_version"]);
// the order goes its way: the server keeps what it can't do, and says why
const GOES_ON = new Set([200, 204, 401, 403, 500]);
let timer = 0, running = Promise.resolve(), isOver = false, prepare = () => {};

// `run` goes before each save by itself.
export const beforeEachSave = (run) => (prepare = run);

function values() {
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value instanceof File || name.startsWith("preset_")) body.delete(name);
  return body;
}
const snapshot = () => JSON.stringify([...values()].filter(([name]) => !IGNORED.has(name)));
let saved = snapshot();

const post = (more) => fetch(form.dataset.draft, { method: "POST", body: values(), redirect: "manual", ...more });
const say = (name) => (status.textContent = status.dataset[name] || "");

// Who signs in again in another tab gets another token there, which the forms here then need. 401: nobody is signed
// in here any more; 409: somebody else is.
async function renewToken() {
  const { user, token } = await (await fetch(form.dataset.session, { cache: "no-store" })).json();
  if (String(user) !== form.dataset.user) return user === null ? 401 : 409;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  return 200;
}

// the status of the answer; 0 when there was none
async function send(more) {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await post({ signal, ...more });
    if (answer.status !== 403) return answer.status;
    const code = await renewToken();
    return code === 200 ? (await post({ signal, ...more })).status : code;
  } catch {
    return 0;
  }
}

// the address names the draft, so that this tab finds its own again
function remember() {
  const address = new URL(location.href);
  for (const name of ["fresh", "from", "parent", "preset", "project", "prompt"]) address.searchParams.delete(name);
  address.searchParams.set("draft", form.elements.draft.value);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

const WORDS = { 200: "saved", 204: "nothing", 401: "signedOut", 403: "signedOut", 409: "other", 413: "large" };
const wordsFor = (code) => WORDS[code] || "unsaved";

async function save() {
  const now = snapshot();
  if (isOver || now === saved) return;
  prepare();
  const code = await send();
  say(wordsFor(code));
  if (code === 200) remember();
  if (code === 200 || code === 204) saved = now;
  else if (wordsFor(code) === "unsaved") plan(AGAIN);
}

// one at a time, so that an older text never comes behind a newer one
const inTurn = (run) => (running = running.then(run, run));
function plan(after = AFTER) {
  clearTimeout(timer);
  timer = setTimeout(inTurn, after, save);
}

// Whether the order may be sent: the studio answers, and to this person. What stands in the way is said.
export async function reach() {
  clearTimeout(timer);
  const code = await inTurn(() => send());
  isOver = GOES_ON.has(code);
  if (code === 200) remember();
  if (!isOver) say({ 409: "other", 413: "large" }[code] || "unsent");
  return isOver;
}

const isTyped = ({ target }) => !target.name.startsWith("preset_") && plan();
form.addEventListener("input", isTyped);
form.addEventListener("change", isTyped);
window.addEventListener("pageshow", () => (isOver = false));
window.addEventListener("online", () => plan(0));
document.addEventListener("submit", ({ target }) => target.matches("[data-draft-discard]") && (isOver = true));
document.addEventListener("visibilitychange", () => {
  if (document.hidden && !isOver && snapshot() !== saved) {
    prepare();
    post({ keepalive: true }).catch(() => {}); // too long for this: the last save holds
  } else if (!document.hidden) renewToken().catch(() => {});
});
