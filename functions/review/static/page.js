// Keys, frames, windows, zoom and rectangles. Every page works without it; with it, a keyboard is enough.
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

function isTyping(target) {
  return target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
}

// Whatever has data-key="j s" is clicked by either key.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && isTyping(event.target)) return event.target.blur();
  if (isTyping(event.target)) return;
  if (event.key === "Enter" && event.target.matches("a, button, summary")) return;
  if (event.key === "?") {
    const help = find("[data-help]");
    if (help) help.open = !help.open;
    return;
  }
  if (event.key === "w" && find("#why")) {
    event.preventDefault();
    return find("#why").select();
  }
  const chosen = findAll("[data-key]").find((each) => each.dataset.key.split(" ").includes(event.key));
  if (chosen && !event.repeat) {
    event.preventDefault();
    chosen.click();
  }
});

// A part of a page renews itself; the place and the focus stay.
function renew(part) {
  const seconds = Number(part.dataset.reload);
  setTimeout(async () => {
    if (!document.hidden && !part.contains(document.activeElement)) {
      try {
        const answer = await fetch(location.href, {headers: {Accept: "text/html", "X-Renewal": "1"}});
        if (answer.redirected) return location.reload();  // the session has ended
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const other = find("[data-reload]", fresh);
        if (answer.ok && other) {
          const open = findAll("details[open] > summary", part).map((each) => each.textContent);
          part.replaceChildren(...other.childNodes);
          findAll("details > summary", part).forEach((each) => {
            if (open.includes(each.textContent)) each.parentElement.open = true;
          });
        }
      } catch { /* the next renewal tries again */ }
    }
    renew(part);
  }, seconds * 1000);
}
findAll("[data-reload]").forEach(renew);

function viewer(root) {
  const picture = find("[data-picture]", root), sheet = find(".sheet", root), stage = find(".stage", root);
  if (!picture) return;
  const frame = find("#frame", root), windowForm = find("[data-window]", root);
  const columns = Number(root.dataset.columns), rows = Number(root.dataset.rows);

  function show() {
    const address = new URL(picture.src);
    if (frame) address.pathname = frame.dataset.url.replace(/0\.png$/, `${frame.value}.png`);
    if (windowForm && windowForm.dataset.chosen) {
      address.searchParams.set("centre", find("#centre").value);
      address.searchParams.set("width", find("#width").value);
    }
    picture.style.filter = "";
    picture.src = address;
    if (frame) {
      find("output", frame.form).value = frame.value;
      findAll(".found", root).forEach((box) => { box.style.display = frame.value === frame.defaultValue ? "" : "none"; });
    }
  }

  if (frame) {
    frame.addEventListener("change", show);
    document.addEventListener("keydown", (event) => {
      if (isTyping(event.target) || !["[", "]"].includes(event.key)) return;
      frame.value = Number(frame.value) + (event.key === "]" ? 1 : -1);
      show();
    });
  }

  if (windowForm) {
    const choose = (centre, width) => {
      find("#centre").value = centre;
      find("#width").value = Math.max(1, width);
      windowForm.dataset.chosen = "yes";
    };
    windowForm.addEventListener("submit", (event) => {
      event.preventDefault();
      windowForm.dataset.chosen = "yes";
      show();
    });
    findAll("[data-centre]", windowForm).forEach((button) => button.addEventListener("click", () => {
      choose(button.dataset.centre, button.dataset.width);
      show();
    }));
    // The right button drags the window: right is wider, down is darker. Until the server has drawn it again,
    // a filter shows about the same.
    let dragged = null;
    picture.addEventListener("contextmenu", (event) => event.preventDefault());
    picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 2) return;
      picture.setPointerCapture(event.pointerId);
      dragged = {x: event.clientX, y: event.clientY, centre: Number(find("#centre").value) || 128, width: Number(find("#width").value) || 256};
    });
    picture.addEventListener("pointermove", (event) => {
      if (!dragged) return;
      const step = dragged.width / 256;
      choose(dragged.centre + (event.clientY - dragged.y) * step, dragged.width + (event.clientX - dragged.x) * step);
      const contrast = dragged.width / Number(find("#width").value);
      picture.style.filter = `contrast(${contrast}) brightness(${Math.max(0, 1 - (event.clientY - dragged.y) / 256)})`;
    });
    picture.addEventListener("pointerup", () => { if (dragged) { dragged = null; show(); } });
  }

  let zoom = 0;
  function setZoom(level) {
    zoom = Math.max(0, Math.min(6, level));
    const fit = Math.min(stage.clientWidth / columns, 0.78 * innerHeight / rows);
    const scale = zoom ? fit * 1.5 ** zoom : fit;
    sheet.classList.toggle("zoomed", scale > 2);
    picture.style.width = `${columns * scale}px`;
    picture.style.height = `${rows * scale}px`;
  }
  setZoom(0);
  addEventListener("resize", () => setZoom(zoom));
  const zooms = {in: () => setZoom(zoom + 1), out: () => setZoom(zoom - 1), fit: () => setZoom(0)};
  findAll("[data-zoom]", root).forEach((button) => button.addEventListener("click", zooms[button.dataset.zoom]));
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target)) return;
    if (event.key === "+" || event.key === "=") zooms.in();
    if (event.key === "-" || event.key === "−") zooms.out();
    if (event.key === "0") zooms.fit();
  });

  rectangles(root, {picture, stage, columns, rows});
}

function rectangles(root, {picture, stage, columns, rows}) {
  const overlay = find("[data-overlay]", root), fields = find("[data-rectangles]", root), hint = find("[data-hint]", root);
  let isDrawing = false, current = null, start = null;

  function shape(name) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("class", name);
    overlay.append(rect);
    return rect;
  }
  function place(rect, box) {
    ["x", "y", "width", "height"].forEach((name, index) => rect.setAttribute(name, box[index]));
  }
  function clipped([left, top, width, height]) {
    const x = Math.max(0, Math.min(columns - 1, Math.round(left))), y = Math.max(0, Math.min(rows - 1, Math.round(top)));
    return [x, y, Math.max(1, Math.min(columns - x, Math.round(width))), Math.max(1, Math.min(rows - y, Math.round(height)))];
  }
  function tell() {
    const number = fields.children.length;
    hint.textContent = isDrawing
      ? "Drag over the picture, or use arrow keys, Shift and arrow keys, Enter. Escape ends."
      : number ? `${number} rectangle(s) will be black in every frame.` : "";
  }
  function add(box) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "blank";
    field.value = clipped(box).join(",");
    fields.append(field);
    place(shape("drawn"), clipped(box));
    tell();
  }
  function removeLast() {
    fields.lastElementChild?.remove();
    findAll(".drawn", overlay).pop()?.remove();
    tell();
  }
  function setDrawing(isOn) {
    isDrawing = isOn;
    stage.classList.toggle("drawing", isOn);
    find(".current", overlay)?.remove();
    if (isOn) {
      current = clipped([columns / 4, 0, columns / 2, rows / 8]);
      place(shape("current"), current);
      stage.focus();
    }
    tell();
  }
  function position(event) {
    const area = picture.getBoundingClientRect();
    return [(event.clientX - area.left) * columns / area.width, (event.clientY - area.top) * rows / area.height];
  }

  find("[data-blank]", root)?.addEventListener("click", () => setDrawing(!isDrawing));
  find("[data-blank-found]", root)?.addEventListener("click", (event) => {
    event.currentTarget.dataset.boxes.trim().split(" ").forEach((box) => add(box.split(",").map(Number)));
    event.currentTarget.disabled = true;
  });
  stage.addEventListener("pointerdown", (event) => {
    if (!isDrawing || event.button !== 0) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    start = position(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!start) return;
    const [x, y] = position(event);
    current = clipped([Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])]);
    place(find(".current", overlay), current);
  });
  stage.addEventListener("pointerup", () => {
    if (start) add(current);
    start = null;
  });
  document.addEventListener("keydown", (event) => {
    if (!isDrawing || isTyping(event.target)) return;
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (event.key in moves) {
      event.preventDefault();
      const step = Math.max(1, Math.round(Math.max(columns, rows) / 64));
      const [x, y] = moves[event.key].map((direction) => direction * step);
      const [left, top, width, height] = current;
      current = clipped(event.shiftKey ? [left, top, width + x, height + y] : [left + x, top + y, width, height]);
      place(find(".current", overlay), current);
    } else if (event.key === "Enter" && !event.target.matches("a, button")) {
      event.preventDefault();
      add(current);
    } else if (event.key === "Backspace") {
      removeLast();
    } else if (event.key === "Escape") {
      setDrawing(false);
    }
  });
}
findAll("[data-viewer]").forEach(viewer);

// Pictures to overrule: j and k move between them, g and b choose for the one with the focus.
function gallery(root) {
  const pictures = findAll("[data-picture-link]", root), strip = find("[data-strip]");
  // The strip of small pictures shows where the focus is, and what comes next.
  root.addEventListener("focusin", (event) => {
    const name = find("[data-picture-link]", event.target.closest("li"))?.id;
    findAll("a", strip || document.createElement("div")).forEach((each) => {
      const isCurrent = each.hash === `#${name}`;
      each.ariaCurrent = isCurrent ? "true" : null;
      if (isCurrent) strip.scrollLeft = each.offsetLeft - strip.clientWidth / 4;
    });
  });
  strip?.addEventListener("click", (event) => {
    const chosen = document.getElementById(event.target.closest("a")?.hash.slice(1));
    if (!chosen) return;
    event.preventDefault();
    chosen.focus();
  });
  document.getElementById(location.hash.slice(1))?.focus();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const place = pictures.findIndex((each) => each.closest("li").contains(document.activeElement));
    if (event.key === "j" || event.key === "k") {
      const next = event.key === "j" ? place + 1 : Math.max(0, place - 1);
      pictures[Math.min(pictures.length - 1, next)].focus();
    } else if (!event.repeat && place >= 0) {
      find(`[data-choice="${CSS.escape(event.key)}"]`, pictures[place].closest("li"))?.click();
    }
  });
}
findAll("[data-gallery]").forEach(gallery);

// A form that is sent once: a second key press while the answer is on its way does nothing.
findAll("[data-once]").forEach((form) => {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  addEventListener("pageshow", () => { isSent = false; });
});
