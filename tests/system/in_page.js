// What the browser test asks a page: run in the page, answers plain data.
({
  contrast() {
    const channels = (colour) => (colour.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const over = (top, below) => {
      const alpha = top[3] ?? 1;
      return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
    };
    const luminance = (colour) => {
      const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backdrop = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
      return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      if (element.closest(".unseen, script, style, noscript, option")) continue;
      const style = getComputedStyle(element);
      const below = backdrop(element);
      const ink = over(channels(element instanceof SVGElement ? style.fill : style.color), below);
      const [light, dark] = [luminance(ink), luminance(below)].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${text.slice(0, 60)}`);
    }
    return found;
  },

  faults() {
    const found = [];
    const fault = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
    const each = (selector, check) => document.querySelectorAll(selector).forEach(check);
    const named = (element) =>
      element.getAttribute("aria-label") ||
      (element.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("") ||
      element.textContent.trim() || element.querySelector("img[alt]:not([alt=''])");
    const one = (selector) => {
      if (document.querySelectorAll(selector).length !== 1) found.push(`not one ${selector}`);
    };
    ["h1", "main", "body > header", "title"].forEach(one);
    if (!document.documentElement.lang) found.push("no language");
    let level = 0;
    each("h1, h2, h3, h4", (heading) => {
      const own = Number(heading.tagName[1]);
      if (own > level + 1) fault("skips a level", heading);
      level = own;
    });
    const ids = [...document.querySelectorAll("main [id]:not(svg *)")].map((element) => element.id);
    if (new Set(ids).size !== ids.length) found.push("an id is used twice");
    each("[aria-labelledby], [aria-describedby]", (element) => {
      for (const id of `${element.getAttribute("aria-labelledby") ?? ""} ${element.getAttribute("aria-describedby") ?? ""}`.split(" "))
        if (id && !document.getElementById(id)) fault("names nothing", element);
    });
    each("input:not([type=hidden]), select, textarea", (field) => field.labels.length || fault("no label", field));
    each("a, button, summary, nav, section, [role=region], [role=img]", (element) => named(element) || fault("no name", element));
    each("img", (image) => image.hasAttribute("alt") || fault("no text", image));
    each("th", (header) => header.scope || header.closest(".vg-tooltip") || fault("no scope", header));
    each("fieldset", (group) => group.querySelector("legend") || fault("no legend", group));
    each("main table", (table) => table.caption || table.closest("[aria-label], [aria-labelledby]") || fault("no caption", table));
    each(".scroll", (region) => region.tabIndex === 0 || fault("out of the keyboard's reach", region));
    each("[tabindex]", (element) => element.tabIndex <= 0 || fault("jumps the queue", element));
    each("figure", (figure) => figure.querySelector("figcaption")?.textContent.trim() || fault("no caption", figure));
    each("a, button, summary, input:not([type=hidden])", (element) => {
      if (!element.checkVisibility() || element.closest("p, li, td, th, .skip, label")) return;
      const { width, height } = element.getBoundingClientRect();
      if (Math.min(width, height) < 24) fault(`hard to hit (${Math.round(width)} × ${Math.round(height)})`, element);
    });
    return found;
  },
});
