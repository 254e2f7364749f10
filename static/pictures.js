// Start and end picture: a preview, drop and paste, and what is wrong before anything is sent.
(() => {
  "use strict";

  const form = document.getElementById("composer");
  const number = new Intl.NumberFormat(document.documentElement.lang);

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
})();
