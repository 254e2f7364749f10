// Start and end picture of the composer or of a shot: preview, and drop and paste anywhere on the page. What is wrong is
// said, and mended on request, before anything is sent; what is right is sent at once. Without this the form carries
// the files.

import { toast } from "studio";

const form = document.querySelector("form[data-pictures]");
const zone = document.querySelector("[data-dropzone]");
const number = new Intl.NumberFormat(document.documentElement.lang);

const QUALITY = 0.92, SMALLER = 0.8, LONGEST = 4096; // of a mended picture: JPEG's quality, each next try, px at most

// A part of a loaded image as a JPEG of at most `maxBytes`, smaller with each try.
async function drawn(image, { x, y, width, height }, maxBytes) {
  const canvas = document.createElement("canvas");
  for (let scale = Math.min(1, LONGEST / Math.max(width, height));; scale *= SMALLER) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white"; // JPEG knows no transparency
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, x, y, width, height, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    if (!blob || blob.size <= maxBytes) return blob;
  }
}

// as an XMLHttpRequest tells it: `status` is 0 where there was no answer
async function ask(address, values) {
  const body = new URLSearchParams(values);
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  try {
    const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    return { status: answer.status, response: await answer.json() };
  } catch {
    return { status: 0, response: { errors: [zone.dataset.failed] } };
  }
}

class Picture {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("input[type=file]");
    this.link = root.querySelector("input[inputmode=url]");
    this.drop = root.querySelector(".drop");
    this.preview = root.querySelector(".drop__preview");
    this.clear = root.querySelector("[data-drop-clear]");
    this.mend = root.querySelector("[data-drop-mend]");
    this.error = root.querySelector("[data-drop-error]");
    this.bar = root.querySelector("[data-drop-progress]");
    this.status = root.querySelector("[data-drop-status]");
    this.words = root.querySelector("[data-drop-words] strong");
    this.invitation = this.words.textContent;
    this.limits = Object.fromEntries(
      ["minSide", "minRatio", "maxRatio", "maxBytes"].map((name) => [name, Number(root.dataset[name])]),
    );
    this.maxPixels = JSON.parse(root.dataset.maxPixels); // by media type
    this.input.addEventListener("change", () => this.show());
    this.clear.addEventListener("click", () => this.empty());
    this.mend.addEventListener("click", () => this.mended());
    root.addEventListener("change", ({ target }) => target !== this.input && this.remember());
    root.addEventListener("click", ({ target }) => {
      if (target.closest("[data-picture-replace]")) this.input.click();
      else if (target.closest("[data-picture-remove]")) this.remove();
      else if (target.closest("[data-picture-swap]")) swap(this);
      else if (target.closest("[data-picture-keep]")) this.keep(target.closest("[data-picture-keep]"));
      else if (target.closest("[data-library-open]")) this.browse(target.closest("[data-library-open]"));
    });
    this.show();
  }

  // with the box unticked, for whom the scripts came late, it is not used
  get upload() {
    const box = this.root.querySelector(".upload input");
    return box?.checked ? box.closest(".upload") : null;
  }

  get isEmpty() {
    return !this.upload && !this.input.files.length && !this.link.value.trim();
  }

  // all that the person has given here, to be put elsewhere or back
  get content() {
    return { upload: this.root.querySelector(".upload"), files: this.input.files, link: this.link.value };
  }

  put({ upload, files, link }) {
    const slot = this.root.dataset.picture;
    const box = upload?.querySelector("input");
    this.root.querySelector(".upload")?.remove();
    if (upload) {
      Object.assign(box, { name: `${slot}_upload`, id: `id_${slot}_upload` });
      upload.querySelector("img").alt = this.root.querySelector("legend").textContent;
      this.drop.before(upload);
    }
    this.invitation = upload ? this.root.dataset.again : this.root.dataset.choose;
    this.link.value = link;
    this.input.files = files;
    this.show();
    this.root.dispatchEvent(new Event("change", { bubbles: true })); // for whoever follows the form
  }

  remove() {
    const before = this.content;
    this.put({ upload: null, files: new DataTransfer().files, link: "" });
    this.input.focus();
    toast(zone.dataset.removed, { label: zone.dataset.undo, run: () => this.put(before) });
  }

  take(file) {
    const files = new DataTransfer();
    files.items.add(file);
    this.input.files = files.files;
    this.show();
  }

  empty() {
    this.input.value = "";
    this.show();
    this.input.focus();
  }

  show() {
    const [file] = this.input.files;
    this.request?.abort();
    URL.revokeObjectURL(this.preview.src);
    this.preview.removeAttribute("src");
    this.preview.hidden = this.bar.hidden = this.mend.hidden = true;
    this.clear.hidden = !file;
    this.say("");
    this.words.textContent = file ? file.name : this.invitation;
    this.drop.classList.toggle("drop--full", Boolean(file)); // the newest wins; an earlier upload stays in reserve
    if (!file) return;
    this.preview.onload = () => this.judge(file);
    this.preview.onerror = () => this.judgeUnseen(file); // what the browser can't show (HEIC) the server will judge
    this.preview.src = URL.createObjectURL(file);
  }

  judge(file) {
    this.preview.hidden = false;
    const { naturalWidth: width, naturalHeight: height } = this.preview;
    const size = `${width} × ${height} px`;
    const isMisshapen = width / height < this.limits.minRatio || width / height > this.limits.maxRatio;
    if (Math.min(width, height) < this.limits.minSide) this.say(this.text("small", size));
    else if (isMisshapen) this.offer(this.text("shape", size), this.root.dataset.crop);
    else if (file.size > this.limits.maxBytes) this.offer(this.tooLarge(file), this.root.dataset.scale);
    else if (width * height > (this.maxPixels[file.type] ?? Infinity)) {
      this.offer(this.root.dataset.pixels.replace("%s", size), this.root.dataset.scale);
    } else this.send(file);
  }

  judgeUnseen(file) {
    if (file.size > this.limits.maxBytes) this.say(this.tooLarge(file));
    else this.send(file);
  }

  offer(words, label) {
    this.say(words);
    this.mend.querySelector("span").textContent = label;
    this.mend.hidden = false;
  }

  // the largest part around the middle that has an allowed shape
  middle() {
    const { naturalWidth, naturalHeight } = this.preview;
    const width = Math.min(naturalWidth, Math.floor(naturalHeight * this.limits.maxRatio));
    const height = Math.min(naturalHeight, Math.floor(naturalWidth / this.limits.minRatio));
    return { x: Math.floor((naturalWidth - width) / 2), y: Math.floor((naturalHeight - height) / 2), width, height };
  }

  async mended() {
    const [file] = this.input.files;
    this.mend.disabled = true;
    const blob = await drawn(this.preview, this.middle(), this.limits.maxBytes);
    this.mend.disabled = false;
    if (!blob || this.input.files[0] !== file) return;
    this.input.focus(); // the button that was pressed goes
    this.take(new File([blob], `${file.name.replace(/\.[^.]*$/, "")}.jpg`, { type: "image/jpeg" }));
  }

  // --- sent by itself, so that the form need not carry it; when that fails, the file stays chosen and the form does
  send(file) {
    const body = new FormData();
    body.append("picture", file);
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", this.root.dataset.upload);
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => (this.bar.value = loaded / total);
    request.onload = () => this.answered(request);
    request.onerror = () => this.refused([this.root.dataset.unsent]);
    this.bar.value = 0;
    this.bar.hidden = false;
    request.send(body);
  }

  answered({ status, response }) {
    if (status === 201) this.showUpload(response);
    else this.refused(response?.errors || [this.root.dataset.unsent]);
  }

  refused(errors) {
    this.bar.hidden = true;
    this.say(errors.join(" "));
  }

  showUpload({ id, width, height, url, changes }) {
    const upload = this.root.querySelector(".upload") || this.newUpload();
    const picture = upload.querySelector("img");
    upload.dataset.name = this.input.files[0]?.name.replace(/\.[^.]*$/, "") ?? "";
    const box = upload.querySelector("input");
    Object.assign(picture, { src: url, width, height });
    Object.assign(box, { name: `${this.root.dataset.picture}_upload`, value: id, checked: true });
    upload.querySelector("[data-upload-size]").textContent = `${width} × ${height} px`;
    const words = upload.querySelector("[data-upload-changes]");
    words.textContent = changes;
    words.hidden = !changes;
    upload.querySelector("[data-upload-removed]")?.remove();
    this.invitation = this.root.dataset.again;
    this.link.value = ""; // older than the file, but it would win over the upload
    this.input.value = "";
    this.root.classList.remove("field--bad");
    this.input.removeAttribute("aria-invalid");
    this.root.querySelectorAll(".errors").forEach((errors) => errors.remove());
    this.show();
    this.status.textContent = this.root.dataset.sent;
    box.dispatchEvent(new Event("change", { bubbles: true })); // for whoever follows the form
  }

  newUpload() {
    const { content } = this.root.querySelector("[data-drop-upload]");
    this.drop.before(content.cloneNode(true));
    return this.root.querySelector(".upload");
  }

  // --- the team's picture library
  async browse(button) {
    const { open } = await import(zone.dataset.library);
    open(button, (address) => this.pick(address));
  }

  async pick(address) {
    this.say("");
    this.bar.removeAttribute("value");
    this.bar.hidden = false;
    this.answered(await ask(address, {}));
  }

  async keep(button) {
    const upload = this.root.querySelector(".upload");
    const values = { upload: upload.querySelector("input").value, team: form.dataset.team ?? form.elements.team.value };
    button.disabled = true;
    const { response } = await ask(button.dataset.pictureKeep, { ...values, name: upload.dataset.name ?? "" });
    button.disabled = false;
    toast(response?.message ?? response?.errors?.join(" ") ?? zone.dataset.failed);
  }

  // in the address, so that who reloads or comes back finds it again
  remember() {
    const address = new URL(location.href);
    const box = this.root.querySelector(".upload input");
    if (box?.checked) address.searchParams.set(this.root.dataset.picture, box.value);
    else address.searchParams.delete(this.root.dataset.picture);
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }

  tooLarge(file) {
    return this.text("large", number.format(Math.round(file.size / 104857.6) / 10));
  }

  text(name, value) {
    return this.root.dataset[name].replace("%s", value);
  }

  say(words) {
    this.status.textContent = "";
    this.error.textContent = words;
    this.error.hidden = !words;
  }
}

const pictures = [...form.querySelectorAll("[data-picture]")].map((root) => new Picture(root));
const image = form.querySelector("#kind-image"); // the composer's other tab has no pictures

function swap(from) {
  const [one, other] = pictures.map((picture) => picture.content);
  pictures[0].put(other);
  pictures[1].put(one);
  pictures.find((picture) => picture !== from).root.querySelector("[data-picture-swap]")?.focus();
}

function showPictures() {
  if (!image) return;
  image.checked = true;
  image.dispatchEvent(new Event("change", { bubbles: true }));
}

// The first picture starts the video, the second ends it; `at` is the one that was aimed at.
function takeAll(files, at) {
  const free = pictures.filter((picture) => picture.isEmpty);
  const places = at ? [at, ...pictures.filter((picture) => picture !== at)] : free;
  if (!places.length) return toast(zone.dataset.full);
  if (files.length > places.length) toast(places.length === 1 ? zone.dataset.full : zone.dataset.two);
  showPictures();
  for (const [index, picture] of places.entries()) if (files[index]) picture.take(files[index]);
}

const isTextField = (element) => element.matches("textarea, input:not([type=file], [type=radio], [type=checkbox])");

// a pasted text stays text, also when a picture of it comes along, as spreadsheets do
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files].filter((each) => each.type.startsWith("image/"));
  const isText = event.clipboardData.types.includes("text/plain") && isTextField(event.target);
  if (!files.length || isText) return;
  event.preventDefault();
  takeAll(files, pictures.find((picture) => picture.root.contains(document.activeElement)));
});

// --- dropped anywhere: the page shows where; a file that misses its place must not replace the page
const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
const pictureAt = (element) => {
  const slot = element.closest?.("[data-zone], [data-picture]");
  return pictures.find(({ root }) => root.dataset.picture === (slot?.dataset.zone || slot?.dataset.picture));
};

function showZones(target) {
  const at = pictureAt(target) || pictures.find((picture) => picture.isEmpty);
  for (const each of zone.querySelectorAll("[data-zone]")) {
    const picture = pictureAt(each);
    each.classList.toggle("dropzone__one--over", picture === at);
    each.classList.toggle("dropzone__one--full", !picture.isEmpty);
  }
  zone.hidden = false;
}

for (const name of ["dragenter", "dragover"]) {
  window.addEventListener(name, (event) => {
    if (!bringsFiles(event)) return; // text goes where it is dropped
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    showZones(event.target);
  });
}
window.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) zone.hidden = true; // out of the window
});
window.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  zone.hidden = true;
  if (event.dataTransfer.files.length) takeAll([...event.dataTransfer.files], pictureAt(event.target));
});

// --- dragged from the library beside the page
const bringsPicture = (event) => event.dataTransfer?.types.includes("application/x-library-picture");

function showTarget(at) {
  for (const picture of pictures) picture.root.classList.toggle("picture--over", picture === at);
}

for (const name of ["dragenter", "dragover"]) {
  window.addEventListener(name, (event) => {
    if (!bringsPicture(event)) return;
    const at = pictureAt(event.target);
    showTarget(at);
    if (!at) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
}
window.addEventListener("dragend", () => showTarget(null));
window.addEventListener("drop", (event) => {
  if (!bringsPicture(event)) return;
  event.preventDefault();
  showTarget(null);
  pictureAt(event.target)?.pick(event.dataTransfer.getData("application/x-library-picture"));
});
