// The composer, made comfortable: counts, previews, drop and paste, one press one video. It works without this, too.
(() => {
  "use strict";

  const form = document.getElementById("composer");
  const number = new Intl.NumberFormat(document.documentElement.lang);

  // --- the prompt's length, counted as the server counts it: code points
  for (const field of form.querySelectorAll("[data-count]")) {
    const count = form.querySelector(field.dataset.count);
    const limit = Number(count.dataset.limit);
    const show = () => {
      const length = [...field.value].length;
      const over = length > limit ? ` · ${number.format(length - limit)} ${count.dataset.over}` : "";
      count.textContent = `${number.format(length)} / ${number.format(limit)}${over}`;
      count.classList.toggle("count--over", length > limit);
    };
    field.addEventListener("input", show);
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

  // --- pictures: a preview, and what is wrong before anything is sent
  class Picture {
    constructor(root) {
      this.root = root;
      this.input = root.querySelector("input[type=file]");
      this.link = root.querySelector("input[inputmode=url]");
      this.kept = root.querySelector(".kept input");
      this.drop = root.querySelector(".drop");
      this.preview = root.querySelector(".drop__preview");
      this.clear = root.querySelector("[data-drop-clear]");
      this.error = root.querySelector("[data-drop-error]");
      this.words = root.querySelector("[data-drop-words] strong");
      this.invitation = this.words.textContent;
      this.input.addEventListener("change", () => this.show());
      this.clear.addEventListener("click", () => this.empty());
      for (const name of ["dragenter", "dragover"]) this.drop.addEventListener(name, () => this.hover(true));
      for (const name of ["dragleave", "drop"]) this.drop.addEventListener(name, () => this.hover(false));
      this.show();
    }

    hover(isOver) {
      this.drop.classList.toggle("drop--over", isOver);
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
      URL.revokeObjectURL(this.preview.src);
      this.preview.hidden = true;
      this.clear.hidden = !file;
      this.say("");
      this.words.textContent = file ? file.name : this.invitation;
      this.drop.classList.toggle("drop--full", Boolean(file)); // the newest choice wins; the one kept stays in reserve
      if (!file) return;
      if (file.size > Number(this.root.dataset.maxBytes)) this.say(this.text("large", this.megabytes(file.size)));
      this.preview.onload = () => this.judge(this.preview);
      this.preview.src = URL.createObjectURL(file); // what the browser can't show (HEIC) the server will judge
    }

    judge({ naturalWidth: width, naturalHeight: height }) {
      this.preview.hidden = false;
      const { minSide, minRatio, maxRatio } = this.root.dataset;
      const size = `${width} × ${height} px`;
      const ratio = width / height;
      if (Math.min(width, height) < Number(minSide)) this.say(this.text("small", size));
      else if (ratio < Number(minRatio) || ratio > Number(maxRatio)) this.say(this.text("shape", size));
    }

    text(name, value) {
      return form.dataset[name].replace("%s", value);
    }

    megabytes(bytes) {
      return number.format(Math.round(bytes / 104857.6) / 10);
    }

    say(words) {
      this.error.textContent = words;
      this.error.hidden = !words;
    }
  }

  const pictures = [...form.querySelectorAll("[data-picture]")].map((root) => new Picture(root));
  const image = form.querySelector("#kind-image");

  // a picture pasted anywhere is the start picture, or the end picture when that is where one is
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    image.checked = true;
    (pictures.find((picture) => picture.root.contains(document.activeElement)) || pictures[0]).take(file);
  });

  // a picture that misses its place must not replace the page
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => {
      if (event.target.type !== "file") event.preventDefault();
    });
  }

  // --- one press, one video
  const button = form.querySelector("button[data-busy]");
  const label = button.textContent;

  const content = () => {
    const parts = [];
    for (const [name, value] of new FormData(form)) {
      if (name === "form_key" || name === "csrfmiddlewaretoken") continue;
      parts.push([name, value instanceof File ? `${value.name}/${value.size}/${value.lastModified}` : value]);
    }
    return JSON.stringify(parts);
  };

  const fresh = () =>
    crypto.randomUUID?.() ||
    "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
      (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16),
    );

  // Who comes back and changes something wants a second video; the same thing sent again is still the first.
  const renew = () => {
    const key = form.elements.form_key;
    const sent = sessionStorage.getItem(key.value);
    if (sent !== null && sent !== content()) key.value = fresh();
    sessionStorage.setItem(key.value, content());
  };

  form.addEventListener("submit", (event) => {
    if (button.disabled) return event.preventDefault();
    renew();
    button.disabled = true;
    button.textContent = button.dataset.busy;
    button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = label;
    button.removeAttribute("aria-busy");
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
  });
})();
