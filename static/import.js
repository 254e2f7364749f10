// The pictures of an import are sent one by one, with their paths in the folder, and say how many are sent. When all
// are, the page is asked for anew, unless something was typed on it.

const form = document.getElementById("pictures-form");
const cells = document.getElementById("cells");
const bar = form.querySelector("[data-progress]");
const status = form.querySelector("[data-status]");
const errors = form.querySelector("[data-errors]");

const AT_ONCE = 3, PAUSE = 20; // s, when the studio asks for one
const isPicture = (file) => file.type.startsWith("image/") || /\.(heic|heif|avif)$/i.test(file.name);
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const isTyped = () =>
  [...(cells?.elements ?? [])].some((field) => field.matches("textarea") && field.value !== field.defaultValue);

function say(message) {
  const line = document.createElement("li");
  line.className = "error";
  line.textContent = message;
  errors.append(line);
}

// the file's path without the folder that was chosen
const nameOf = (file) => file.webkitRelativePath?.split("/").slice(1).join("/") || file.name;

async function send(file) {
  const body = new FormData(form);
  body.delete("picture");
  body.append("picture", file);
  body.append("name", nameOf(file));
  for (;;) {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status === 429) {
      status.textContent = form.dataset.wait;
      await pause(Number(answer.headers.get("Retry-After")) || PAUSE);
      continue;
    }
    const found = await answer.json();
    for (const message of found.errors) say(message);
    return found.errors.length === 0;
  }
}

async function sendAll(files) {
  let sent = 0, failed = 0;
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      try {
        const isKept = await send(file); // others fail meanwhile
        if (!isKept) failed += 1;
      } catch {
        failed += 1;
        say(`${nameOf(file)}: ${form.dataset.lost}`);
      }
      sent += 1;
      bar.value = sent;
      status.textContent = form.dataset.sent.replace("%s", sent).replace("%s", files.length);
    }
  };
  bar.max = files.length;
  bar.value = 0;
  bar.hidden = false;
  errors.replaceChildren();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  bar.hidden = true;
  if (failed) return;
  if (isTyped()) status.textContent = form.dataset.done;
  else location.reload();
}

async function take(input) {
  const files = [...input.files].filter(isPicture);
  if (!files.length) return;
  const inputs = form.querySelectorAll("input[type=file]");
  for (const one of inputs) one.disabled = true;
  await sendAll(files);
  for (const one of inputs) one.disabled = false;
  input.value = "";
}

for (const input of form.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => take(input));
  take(input); // what was chosen before this script was there
}
