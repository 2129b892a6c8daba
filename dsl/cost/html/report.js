"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);

  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }

  all(".tools").forEach(function (tools) { tools.hidden = false; });

  /* Blocks open and close together, and are open in print. */
  function fold(open) {
    all(".bars details").forEach(function (block) { block.open = open; });
  }
  document.getElementById("open").addEventListener("click", function () { fold(true); });
  document.getElementById("close").addEventListener("click", function () { fold(false); });

  /* A column sorts its table; a second time the other way, a third time as it was. */
  function key(row, column) {
    var cell = row.cells[column], value = cell.getAttribute("data-v");
    return value === null || isNaN(Number(value)) ? cell.textContent : Number(value);
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }
  function sort(table, rows, head, column) {
    var before = head.getAttribute("aria-sort");
    var down = head.classList.contains("n");
    var first = down ? "descending" : "ascending", second = down ? "ascending" : "descending";
    var way = before === first ? second : before === second ? null : first;
    all("th[aria-sort]", table).forEach(function (other) { other.removeAttribute("aria-sort"); });
    var ordered = rows.slice();
    if (way) {
      head.setAttribute("aria-sort", way);
      ordered.sort(function (a, b) {
        var order = compare(key(a, column), key(b, column));
        return way === "ascending" ? order : -order;
      });
    }
    ordered.forEach(function (row) { table.tBodies[0].appendChild(row); });
  }
  all("table.sortable").forEach(function (table) {
    var rows = all("tbody tr", table);
    all("th[data-sort]", table).forEach(function (head) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, rows, head, head.cellIndex); });
    });
  });

  /* The filter leaves the layers whose path or kind holds every word. */
  var filter = document.getElementById("filter"), found = document.getElementById("found");
  var layers = all("#all tbody tr").map(function (row) {
    return { row: row, text: (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase() };
  });
  filter.addEventListener("input", function () {
    var words = filter.value.toLowerCase().split(/\s+/), count = 0;
    layers.forEach(function (layer) {
      var shown = words.every(function (word) { return layer.text.indexOf(word) >= 0; });
      layer.row.hidden = !shown;
      count += shown;
    });
    found.textContent = filter.value ? count + " of " + layers.length : "";
  });

  /* The timeline tells the moment under the pointer, or the one that arrow keys go to. */
  var figure = document.getElementById("timeline"), said = document.getElementById("moment");
  var moments = data.timeline.moments, rest = said.textContent, at = -1;
  function size(count) {
    var units = ["B", "KiB", "MiB", "GiB"], unit = 0;
    while (count >= 1023.5 && unit < 3) { count /= 1024; unit += 1; }
    return (unit ? count.toPrecision(count < 999.5 ? 3 : 4) : count) + " " + units[unit];
  }
  function tell(index) {
    at = Math.max(-1, Math.min(moments.length - 1, index));
    all("svg", figure).forEach(function (svg) {
      var cursor = svg.querySelector(".cursor"), box = svg.dataset;
      if (at < 0) { cursor.setAttribute("hidden", "hidden"); return; }
      var x = Number(box.left) + (Number(box.right) - Number(box.left)) * (at + 0.5) / moments.length;
      cursor.removeAttribute("hidden");
      cursor.firstChild.setAttribute("d", "M" + x + " " + box.top + "V" + box.bottom);
    });
    if (at < 0) { said.textContent = rest; return; }
    var moment = moments[at], state = data.timeline.state;
    var place = moment[0] === moment[1] || !moment[1] ? moment[0] : moment[0] + " of " + moment[1];
    said.textContent = place + ": " + size(state + moment[2]) + " live, at most " +
      size(state + moment[3]) + "; gradients " + size(moment[4]) + ", activations " +
      size(moment[2] - moment[4]);
  }
  figure.addEventListener("pointermove", function (event) {
    var svg = event.target.closest("svg");
    if (!svg) { return; }
    var area = svg.getBoundingClientRect(), box = svg.dataset;
    var x = (event.clientX - area.left) * svg.viewBox.baseVal.width / area.width;
    tell(Math.floor(moments.length * (x - box.left) / (box.right - box.left)));
  });
  figure.addEventListener("pointerleave", function () { tell(-1); });
  figure.addEventListener("blur", function () { tell(-1); });
  figure.addEventListener("keydown", function (event) {
    var steps = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
    if (event.key in steps) { tell(at + steps[event.key]); event.preventDefault(); }
    if (event.key === "Escape") { tell(-1); }
  });
}());
