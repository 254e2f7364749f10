// The picture library: chosen or dropped files are sent one after the other, each with its progress, and what is wrong
// with one stands by its name. Without this the form sends them all.

const form = document.querySelector("[data-library-add]");
const input = form.elements.pictures;
const list = form.querySelector("[data-library-sending]");
const status = form.querySelector("[data-library-status]");
const wall = document.querySelector("[data-library]");

function row(name) {
  const item = document.createElement("li");
  const words = document.createElement("span");
  const bar = document.createElement("progress");
  words.textContent = name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `${form.dataset.sending}: ${name}`);
  item.append(words, bar);
  list.append(item);
  return item;
}

function refuse(item, errors) {
  const error = document.createElement("p");
  error.className = "error";
  error.setAttribute("role", "alert");
  error.textContent = errors.join(" ");
  item.querySelector("progress").remove();
  item.append(error);
}

function show(item, name, { id, html }) {
  document.getElementById(`picture-${id}`)?.remove();
  document.querySelector("[data-library-none]")?.remove();
  wall.insertAdjacentHTML("afterbegin", html);
  item.remove();
  status.textContent = `${form.dataset.added}: ${name}`;
}

function send(file, item) {
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append("team", form.elements.team.value);
  body.append("pictures", file);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => (item.querySelector("progress").value = loaded / total);
  return new Promise((done) => {
    request.onload = () => {
      if (request.status === 201) show(item, file.name, request.response);
      else refuse(item, request.response?.errors || [form.dataset.failed]);
      done();
    };
    request.onerror = () => done(refuse(item, [form.dataset.failed]));
    request.send(body);
  });
}

let last = Promise.resolve();
function sendAll(files) {
  list.querySelectorAll("li:has(.error)").forEach((item) => item.remove());
  for (const file of files) {
    const item = row(file.name);
    last = last.then(() => send(file, item));
  }
}

input.addEventListener("change", () => {
  sendAll([...input.files]);
  input.value = "";
});

const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
for (const name of ["dragenter", "dragover"]) {
  window.addEventListener(name, (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    form.classList.add("library__add--over");
  });
}
window.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) form.classList.remove("library__add--over");
});
window.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  form.classList.remove("library__add--over");
  sendAll([...event.dataTransfer.files]);
});
