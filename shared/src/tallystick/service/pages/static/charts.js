// Draws the charts from the specifications that the API serves, in the colours of the page, and lets Escape close a filter.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");

function themed(config, width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const font = getComputedStyle(document.body).fontFamily;
  const point = (kind) => ({ ...config.style[kind], color: colour(kind), fill: colour(kind), stroke: colour(kind) });
  const axis = {
    domainColor: colour("line"), gridColor: colour("line"), tickColor: colour("line"), gridOpacity: 0.6,
    labelColor: colour("quiet"), titleColor: colour("quiet"), labelFont: font, titleFont: font,
    labelFontSize: 12, labelLimit: width * 0.42, titleFontSize: 12, titleFontWeight: "normal",
  };
  const marks = Object.fromEntries(Object.keys(config.style).map((kind) => [kind, { ...config.style[kind], color: colour(kind) }]));
  for (const kind of ["week", "signal", "step"]) marks[kind] = point(kind);
  marks.band.stroke = colour("band"); // closes the seams between the steps
  marks.partial = { ...config.style.partial, fill: colour("card"), stroke: colour("partial") };
  return { ...config, background: "transparent", font, axis, style: marks };
}

async function draw(chart) {
  try {
    if (!chart.spec) {
      const answer = await fetch(chart.dataset.spec, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      chart.spec = await answer.json();
    }
    chart.drawn?.finalize();
    chart.drawn = await vegaEmbed(chart, { ...chart.spec, config: themed(chart.spec.config, chart.clientWidth) }, {
      ast: true, // no expression becomes code, so that the page needs no unsafe-eval
      actions: false,
      defaultStyle: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    chart.dataset.drawn = dark.matches ? "dark" : "light";
  } catch (failure) {
    chart.dataset.drawn = "failed";
    chart.textContent = "The chart could not be drawn. Its numbers are in the table below.";
    const table = chart.closest("figure").querySelector("details");
    if (table) table.open = true;
    console.warn(failure);
  }
}

function drawAll() {
  for (const chart of document.querySelectorAll("[data-spec]")) draw(chart);
}

function closeChoices(except) {
  for (const choice of document.querySelectorAll("details.choice[open]")) if (choice !== except) choice.open = false;
}

document.addEventListener("click", (event) => closeChoices(event.target.closest("details.choice")));
document.addEventListener("keydown", (event) => {
  const choice = event.key === "Escape" && event.target.closest("details.choice[open]");
  if (!choice) return;
  choice.open = false;
  choice.querySelector("summary").focus();
});
dark.addEventListener("change", drawAll);
drawAll();
