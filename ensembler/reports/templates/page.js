(function () {
  "use strict";
  var root = document.documentElement;

  // Colours: as the system, light, dark.
  var toggle = document.getElementById("theme");
  var names = { auto: "Auto", light: "Light", dark: "Dark" };
  var words = { auto: "as the system", light: "light", dark: "dark" };
  function showTheme() {
    var now = root.dataset.theme || "auto";
    toggle.textContent = names[now];
    toggle.setAttribute("aria-label", "Colours: " + words[now]);
  }
  toggle.addEventListener("click", function () {
    var next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme || "auto"];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem("ensembler-theme", next); } catch (error) { /* Files may have no storage. */ }
    showTheme();
  });
  showTheme();

  // Sorting. Unknown values stay last in both directions.
  function readValue(row, column, isText) {
    var cell = row.cells[column];
    var text = cell.dataset.v === undefined ? cell.textContent : cell.dataset.v;
    if (isText) return text;
    return text === "" ? null : parseFloat(text);
  }
  var collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  function sortTable(table, column, direction, isText) {
    var body = table.tBodies[0];
    var rows = Array.prototype.map.call(body.rows, function (row) { return [readValue(row, column, isText), row]; });
    rows.sort(function (one, other) {
      var a = one[0], b = other[0];
      var noA = a === null || a === "" || a !== a, noB = b === null || b === "" || b !== b;
      if (noA || noB) return noA - noB;
      return direction * (isText ? collator.compare(a, b) : a - b);
    });
    var sorted = document.createDocumentFragment();
    rows.forEach(function (pair) { sorted.appendChild(pair[1]); });
    body.appendChild(sorted);
  }
  document.querySelectorAll("table thead th button").forEach(function (button) {
    button.addEventListener("click", function () {
      var head = button.parentElement, table = head.closest("table");
      var ascending = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortTable(table, head.cellIndex, ascending ? 1 : -1, head.classList.contains("text"));
    });
  });

  // Boxes that scroll: a shade at the cut edge, and a stop for the keyboard only where there is something to scroll.
  var boxes = document.querySelectorAll("[data-scroll]");
  function markBox(box) {
    var rest = box.scrollWidth - box.clientWidth;
    box.parentElement.classList.toggle("cut", rest > 1 && box.scrollLeft < rest - 1);
    if (rest > 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
  function markBoxes() { boxes.forEach(markBox); }
  boxes.forEach(function (box) { box.addEventListener("scroll", function () { markBox(box); }, { passive: true }); });
  window.addEventListener("resize", markBoxes);
  markBoxes();

  // Filters of long tables.
  document.querySelectorAll("input[data-filter]").forEach(function (input) {
    var rows = document.getElementById(input.dataset.filter).tBodies[0].rows;
    var count = document.querySelector('[data-count="' + input.dataset.filter + '"]');
    var texts = null, waiting = 0;
    function apply() {
      var wanted = input.value.toLocaleLowerCase(), shown = 0;
      if (!texts) texts = new Map(Array.prototype.map.call(rows, function (row) {
        var titles = Array.prototype.map.call(row.cells, function (cell) { return cell.title; }).join(" ");
        return [row, (row.textContent + " " + titles).toLocaleLowerCase()];
      }));
      texts.forEach(function (text, row) {
        var hit = text.indexOf(wanted) >= 0;
        row.hidden = !hit;
        shown += hit;
      });
      count.textContent = wanted ? shown.toLocaleString("en") + " of " + texts.size.toLocaleString("en") + " rows"
        : texts.size.toLocaleString("en") + " rows";
    }
    input.addEventListener("input", function () { clearTimeout(waiting); waiting = setTimeout(apply, 80); });
  });

  // Copying of commands.
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    var label = button.textContent;
    button.addEventListener("click", function () {
      var source = button.parentElement.querySelector("code, pre");
      function say(text) {
        button.textContent = text;
        setTimeout(function () { button.textContent = label; }, 1600);
      }
      function select() {
        var range = document.createRange();
        range.selectNodeContents(source);
        var selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        say("Selected");
      }
      if (navigator.clipboard && navigator.clipboard.writeText) {
        navigator.clipboard.writeText(source.textContent.trim()).then(function () { say("Copied"); }, select);
      } else select();
    });
  });

  // The section in view is marked in the contents.
  var links = new Map();
  document.querySelectorAll(".contents a").forEach(function (link) { links.set(link.hash.slice(1), link); });
  if ("IntersectionObserver" in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        links.forEach(function (link) { link.removeAttribute("aria-current"); });
        links.get(entry.target.id).setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-15% 0px -75% 0px" });
    links.forEach(function (_, id) { observer.observe(document.getElementById(id)); });
  }
})();
