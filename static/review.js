// A review: comments on a timeline and on the frame, and a form that takes its moment and its place from the player.

const root = document.querySelector("[data-review]");
const video = document.querySelector("[data-share-player] video");
const timeline = document.querySelector("[data-timeline]");
const form = document.querySelector("[data-comment-form]");
const STEP = 1; // % of the frame by an arrow key
const SMALLEST = 1; // % that a rectangle has at least

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

function words(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

function add(parent, tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

// --- the timeline

const comments = [...root.querySelectorAll("[data-comment]")];
const head = add(timeline, "span", "review-timeline__head");
timeline.hidden = false;

function drawTimeline() {
  if (!video.duration) return;
  timeline.querySelectorAll(".review-timeline__mark").forEach((mark) => mark.remove());
  for (const comment of comments) {
    const { start, end } = comment.dataset;
    if (start === undefined) continue;
    const mark = add(timeline, "span", "review-timeline__mark");
    mark.style.insetInlineStart = `${(Number(start) / video.duration) * 100}%`;
    if (end) mark.style.inlineSize = `${((Number(end) - Number(start)) / video.duration) * 100}%`;
    mark.classList.toggle("review-timeline__mark--range", Boolean(end));
    mark.classList.toggle("review-timeline__mark--resolved", comment.classList.contains("comment--resolved"));
    mark.dataset.of = comment.id;
  }
}

function moveHead() {
  if (video.duration) head.style.insetInlineStart = `${(video.currentTime / video.duration) * 100}%`;
}

timeline.addEventListener("click", ({ target, clientX }) => {
  const comment = target.dataset.of && document.getElementById(target.dataset.of);
  if (comment) return show(comment, true);
  const { left, width } = timeline.getBoundingClientRect();
  if (video.duration) video.currentTime = clamp((clientX - left) / width, 0, 1) * video.duration;
});

// --- the frame: what is drawn lies where the picture is, also between bars. In %, for a window that becomes narrower.

const frame = add(video.parentElement, "div", "review-frame");

function placeFrame() {
  const { videoWidth, videoHeight, offsetLeft, offsetTop, clientWidth, clientHeight } = video;
  const width = videoWidth || Number(video.getAttribute("width"));
  const height = videoHeight || Number(video.getAttribute("height"));
  const scale = Math.min(clientWidth / width, clientHeight / height);
  const { clientWidth: wide, clientHeight: high } = video.parentElement;
  const inWidth = (px) => `${(px / wide) * 100}%`, inHeight = (px) => `${(px / high) * 100}%`;
  frame.style.left = inWidth(offsetLeft + (clientWidth - width * scale) / 2);
  frame.style.top = inHeight(offsetTop + (clientHeight - height * scale) / 2);
  frame.style.width = inWidth(width * scale);
  frame.style.height = inHeight(height * scale);
}

function placeMark(mark, { x, y, width, height }) {
  const isPoint = !width;
  mark.classList.toggle("review-mark--point", isPoint);
  mark.style.left = `${x}%`;
  mark.style.top = `${y}%`;
  mark.style.width = isPoint ? "" : `${width}%`;
  mark.style.height = isPoint ? "" : `${height}%`;
}

let shownMark = null;

function show(comment, scrolls) {
  comments.forEach((one) => one.classList.toggle("comment--current", one === comment));
  shownMark?.remove();
  shownMark = null;
  const { start, x, y, width, height } = comment.dataset;
  if (start !== undefined) {
    video.pause();
    video.currentTime = Number(start);
  }
  if (x !== undefined) {
    shownMark = add(frame, "span", "review-mark");
    placeMark(shownMark, { x: x * 100, y: y * 100, width: (width || 0) * 100, height: (height || 0) * 100 });
  }
  if (scrolls) comment.scrollIntoView({ block: "nearest" });
}

root.addEventListener("click", (event) => {
  const link = event.target.closest("[data-seek]");
  if (!link) return;
  event.preventDefault();
  show(link.closest("[data-comment]"), false);
  video.scrollIntoView({ block: "nearest" });
});

video.addEventListener("play", () => {
  shownMark?.remove();
  shownMark = null;
});

// --- the form: its moment is the player's until something is typed

const fields = form.elements;
const at = form.querySelector("[data-at]");
const atWords = form.querySelector("[data-at-words]");
let isTouched = fields.start.value !== ""; // the person has decided, or the form came back

function seconds() {
  return Math.min(Math.round(video.currentTime * 1000) / 1000, Math.floor(video.duration * 1000) / 1000 || 0);
}

function tellMoment() {
  const { start, end } = fields;
  const range = end.value ? `–${words(Number(end.value))}` : "";
  atWords.textContent = words(start.value === "" ? video.currentTime : Number(start.value)) + range;
}

function followPlayer() {
  if (!isTouched && !fields.text.value && !mark && video.currentTime > 0) {
    at.checked = true;
    fields.start.value = seconds();
  }
  tellMoment();
}

at.checked = isTouched;
at.addEventListener("change", () => {
  isTouched = true;
  fields.start.value = at.checked ? seconds() : "";
  fields.end.value = "";
  tellMoment();
});
fields.text.addEventListener("focus", () => video.pause());
for (const name of ["start", "end"]) {
  fields[name].addEventListener("input", () => {
    isTouched = true;
    at.checked = fields.start.value !== "";
    tellMoment();
  });
}
form.querySelector("[data-starts-here]").addEventListener("click", () => {
  isTouched = at.checked = true;
  fields.start.value = seconds();
  if (Number(fields.end.value) <= seconds()) fields.end.value = "";
  tellMoment();
});
form.querySelector("[data-ends-here]").addEventListener("click", () => {
  isTouched = at.checked = true;
  if (fields.start.value === "" || Number(fields.start.value) > seconds()) fields.start.value = 0;
  fields.end.value = seconds() > Number(fields.start.value) ? seconds() : "";
  tellMoment();
});

const mention = form.querySelector("[data-mention] select");
mention?.addEventListener("change", () => {
  const name = mention.selectedOptions[0].textContent;
  if (mention.value) fields.text.setRangeText(`@${name} `, fields.text.selectionStart, fields.text.selectionEnd, "end");
  mention.value = "";
  fields.text.focus();
});

// --- the mark of the form: drawn by a pointer, moved by the arrow keys

let mark = null, kind = "";

const place = () => Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, Number(fields[name].value)]));

function setPlace({ x, y, width, height }) {
  const rounded = (value) => Math.round(value * 10) / 10;
  const isPoint = !width;
  fields.x.value = rounded(clamp(x, 0, isPoint ? 100 : 100 - SMALLEST));
  fields.y.value = rounded(clamp(y, 0, isPoint ? 100 : 100 - SMALLEST));
  fields.width.value = isPoint ? "" : rounded(clamp(width, SMALLEST, 100 - fields.x.value));
  fields.height.value = isPoint ? "" : rounded(clamp(height, SMALLEST, 100 - fields.y.value));
  placeMark(mark, place());
}

function draw(chosen) {
  kind = chosen;
  frame.classList.toggle("review-frame--drawn", Boolean(kind));
  for (const button of form.querySelectorAll("[data-draw]")) {
    if (button.dataset.draw) button.setAttribute("aria-pressed", String(button.dataset.draw === kind));
  }
  mark?.remove();
  mark = null;
  for (const name of ["x", "y", "width", "height"]) fields[name].value = "";
  if (kind) beginMark();
}

function beginMark() {
  video.pause();
  shownMark?.remove();
  mark = add(frame, "button", "review-mark");
  mark.type = "button";
  mark.setAttribute("aria-label", root.dataset.mark);
  mark.addEventListener("keydown", moveByKey);
  setPlace(kind === "point" ? { x: 50, y: 50 } : { x: 35, y: 35, width: 30, height: 30 });
  mark.focus({ preventScroll: true });
  frame.scrollIntoView({ block: "nearest" });
}

const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

function moveByKey(event) {
  const by = ARROWS[event.key];
  if (!by) return;
  event.preventDefault();
  const now = place();
  const { width, height } = now;
  if (event.shiftKey && width) return setPlace({ ...now, width: width + by[0], height: height + by[1] });
  setPlace({ ...now, x: clamp(now.x + by[0], 0, 100 - width), y: clamp(now.y + by[1], 0, 100 - height) });
}

let corner = null;

function pointed({ clientX, clientY }) {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [clamp((clientX - left) / width, 0, 1) * 100, clamp((clientY - top) / height, 0, 1) * 100];
}

function span([x, y]) {
  if (kind === "point") return setPlace({ x, y });
  const [fromX, fromY] = corner;
  const size = { width: Math.max(Math.abs(x - fromX), SMALLEST), height: Math.max(Math.abs(y - fromY), SMALLEST) };
  setPlace({ x: Math.min(x, fromX), y: Math.min(y, fromY), ...size });
}

frame.addEventListener("pointerdown", (event) => {
  if (!kind) return;
  event.preventDefault();
  frame.setPointerCapture(event.pointerId);
  corner = pointed(event);
  span(corner);
});
frame.addEventListener("pointermove", (event) => corner && span(pointed(event)));
for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, () => (corner = null));

for (const button of form.querySelectorAll("[data-draw]")) {
  button.addEventListener("click", () => draw(button.dataset.draw));
}
form.querySelector("[data-bar]").hidden = false;

// --- all of it follows the player

for (const name of ["timeupdate", "seeked"]) {
  video.addEventListener(name, () => {
    moveHead();
    followPlayer();
  });
}

function begin() {
  drawTimeline();
  placeFrame();
  moveHead();
}

function showNamed() {
  const comment = comments.find(({ id }) => `#${id}` === location.hash);
  if (comment) show(comment, false);
}

new ResizeObserver(placeFrame).observe(video);
video.addEventListener("loadedmetadata", begin);
video.addEventListener("loadedmetadata", showNamed, { once: true });
begin();
if (video.duration) showNamed();
followPlayer(); // the player may have been moved before this script was there
