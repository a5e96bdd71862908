(function () {
  "use strict";
  var shown = "VERSION";
  setInterval(function () {
    if (document.hidden) return;
    fetch("/-/version", { cache: "no-store" })
      .then(function (answer) { return answer.ok ? answer.text() : shown; })
      .then(function (now) { if (now !== shown) location.reload(); })
      .catch(function () {});
  }, 1000);
})();
