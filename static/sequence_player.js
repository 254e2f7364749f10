// Videos played in order as one film, without a gap: while one plays, the next waits behind it with its first frame
// decoded. `generations/_sequence.html` has the markup:
//
//   [data-sequence]      the whole, with the words data-plays, data-back and data-on of its keys, and data-place ("Video
//                        %1 of %2")
//     [data-stage]       where the videos are put, in the place of what stands there
//     [data-bar]         [data-play] with data-pause-words, [data-scrub], a range over the
//                        whole, [data-time] and [data-current], the place in the whole
//     [data-broken]      hidden; what `keepAlive` shows when a video is lost
//     a[data-clip]       one a video, in order: data-url, data-poster, data-seconds, data-codec; its text is the label
//
// Without this the links are a list that leads wherever they lead. With it a press on one plays from there.

import { addShortcut } from "studio";
import { keepAlive } from "studio/video_keepalive";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function begin(section) {
  const part = (name) => section.querySelector(`[data-${name}]`);
  const [stage, play, scrub] = ["stage", "play", "scrub"].map(part);
  const [time, current, broken] = ["time", "current", "broken"].map(part);
  const links = [...section.querySelectorAll("[data-clip]")];
  const seconds = links.map((link) => Number(link.dataset.seconds) || 0); // until the file says it exactly
  const playWords = play.textContent;
  let index = 0, video = null, next = null, isOn = false;

  const startOf = (place) => sum(seconds.slice(0, place));
  const position = () => startOf(index) + Math.min(video.currentTime, seconds[index]);

  function show() {
    const words = section.dataset.place.replace("%1", index + 1).replace("%2", links.length);
    play.textContent = isOn ? play.dataset.pauseWords : playWords;
    scrub.max = sum(seconds) || 1;
    scrub.value = position();
    time.textContent = `${clock(position())} / ${clock(sum(seconds))}`;
    scrub.setAttribute("aria-valuetext", `${time.textContent}, ${words}`);
    if (current.textContent !== words) current.textContent = words;
    links.forEach((link, place) => link.setAttribute("aria-current", String(place === index)));
  }

  function make(place) {
    const { dataset, textContent } = links[place];
    const made = document.createElement("video");
    Object.assign(made, { playsInline: true, preload: "auto", poster: dataset.poster || "", src: dataset.url });
    made.dataset.codec = dataset.codec || "";
    made.setAttribute("aria-label", textContent.trim());
    const listen = (name, run) => made.addEventListener(name, () => made === video && (run(), show()));
    made.addEventListener("loadedmetadata", () => {
      seconds[place] = made.duration;
      show();
    });
    for (const name of ["timeupdate", "seeked"]) listen(name, () => {});
    listen("play", () => (isOn = true));
    listen("pause", () => (isOn = isOn && made.ended)); // by a media key, too
    listen("ended", () => (index + 1 < links.length ? open(index + 1) : (isOn = false)));
    listen("click", toggle);
    stage.append(made);
    keepAlive(made, broken);
    return made;
  }

  function release(old) {
    old.remove();
    old.removeAttribute("src");
    old.load?.(); // lets go of what it has loaded; a picture just goes
  }

  // the one before stays in sight until the new one has a frame to show
  function reveal(opened) {
    if (opened !== video) return;
    opened.dataset.shown = "";
    for (const each of [...stage.children]) if (each !== video) release(each);
    next = index + 1 < links.length ? make(index + 1) : null;
  }

  function start() {
    const started = video;
    started.play().catch(() => {
      if (started !== video) return;
      isOn = false; // the browser may want a press first
      show();
    });
  }

  function open(place, second = 0) {
    const old = video;
    video = next && place === index + 1 ? next : make(place);
    next = null;
    index = place;
    old?.pause();
    if (second) video.currentTime = second;
    if (isOn) start();
    const opened = video;
    if (opened.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) reveal(opened);
    else opened.addEventListener("loadeddata", () => reveal(opened), { once: true });
    show();
  }

  function goTo(second) {
    const found = links.findLastIndex((_link, place) => startOf(place) <= second);
    const rest = second - startOf(found);
    if (found === index) video.currentTime = rest;
    else open(found, rest);
  }

  function toggle() {
    if (isOn) return video.pause();
    isOn = true;
    if (video.ended && index + 1 === links.length && links.length > 1) open(0);
    else start();
  }

  const jump = (place) => (place === index ? (video.currentTime = 0) : links[place] && open(place));

  play.addEventListener("click", toggle);
  scrub.addEventListener("input", () => goTo(Number(scrub.value)));
  links.forEach((link, place) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a tab of its own
      event.preventDefault();
      isOn = true;
      if (place !== index) return open(place);
      video.currentTime = 0;
      start();
    })
  );
  open(0);
  return { toggle, by: (steps) => jump(index + steps) };
}

const sections = [...document.querySelectorAll("[data-sequence]:has([data-clip])")];
const players = sections.map(begin);

if (players.length) { // the keys are the first one's
  const [{ toggle, by }] = players;
  const { plays, back, on } = sections[0].dataset;
  addShortcut("p", plays, toggle);
  addShortcut("[", back, () => by(-1));
  addShortcut("]", on, () => by(1));
}
