// What makes the pages quicker to use. Each of them works without: search, ratings and messages are plain forms.

// Suggestions while typing: a combobox with a list, after the ARIA Authoring Practices.
function suggest(form) {
  const input = form.elements.q;
  const seek = input.parentElement;
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.role = "listbox";
  list.ariaLabel = seek.dataset.suggestions;
  list.hidden = true;
  seek.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-expanded": "false",
  })) {
    input.setAttribute(name, value);
  }

  const nothing = { books: [], authors: [], genres: [] };
  let asked; // the request under way
  let timer;
  const options = () => [...list.children];
  const chosen = () => options().find((option) => option.ariaSelected === "true");

  function choose(option) {
    for (const other of options()) other.ariaSelected = String(other === option);
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function show({ books, authors, genres, did_you_mean: meant }, text) {
    const search = (words) => `/books?q=${encodeURIComponent(words)}`;
    const { meant: meantLabel, author, genre, all } = seek.dataset;
    const lines = [
      ...books.map(({ id, title, byline }) => [`/books/${id}`, title, byline]),
      ...authors.map(({ id, name }) => [`/authors/${id}`, name, author]),
      ...genres.map(({ slug, name }) => [`/books?genre=${slug}`, name, genre]),
      ...(meant ? [[search(meant), meant, meantLabel]] : []),
      ...(books.length ? [[search(text), text, all]] : []),
    ];
    list.replaceChildren(...lines.map((parts, at) => line(at, ...parts)));
    list.hidden = lines.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    choose();
  }

  function line(at, href, title, detail) {
    const option = document.createElement("li");
    option.id = `suggestion-${at}`;
    option.role = "option";
    option.dataset.href = href;
    for (const [tag, text] of [["b", title], ["span", detail]]) {
      const part = document.createElement(tag);
      part.dir = "auto";
      part.textContent = text;
      option.append(part);
    }
    return option;
  }

  async function ask() {
    asked?.abort();
    // A word of one or two letters stands for itself: while it grows, the words before it are asked for.
    const text = input.value.replace(/(?<=\S\s+)\S{1,2}$/, "").trim();
    if (text.length < 2) return show(nothing);
    asked = new AbortController();
    try {
      const query = `q=${encodeURIComponent(text)}&lang=${document.documentElement.lang}`;
      const answer = await fetch(`/api/suggestions?${query}`, { signal: asked.signal });
      show(answer.ok ? await answer.json() : nothing, input.value.trim());
    } catch (error) {
      if (error.name !== "AbortError") show(nothing);
    }
  }

  function close() {
    clearTimeout(timer);
    asked?.abort();
    show(nothing);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "Escape" && all.length) close();
    else if (event.key === "ArrowDown" && all.length) choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp" && all.length) choose(all.at(at < 1 ? -1 : at - 1));
    else if (event.key === "Enter" && at >= 0) location.assign(all[at].dataset.href);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.href);
  });
  input.addEventListener("blur", close);

  // What was left empty stays out of the address.
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

// A second click on the button sends nothing. The form can be sent again when the sending was stopped, after a return to
// the page, and, because not every browser reports a stop, after some seconds: its key makes a second sending harmless.
function once(form) {
  const seconds = 5;
  let timer;
  function release() {
    clearTimeout(timer);
    timer = undefined;
    form.ariaBusy = null;
  }
  form.addEventListener("submit", (event) => {
    if (timer) return event.preventDefault();
    timer = setTimeout(release, seconds * 1000);
    form.ariaBusy = "true";
  });
  addEventListener("pageshow", release);
  globalThis.navigation?.addEventListener("navigateerror", release);
}

// A required field is not invalid before somebody tried to send the form; afterwards the browser decides.
function judge(form) {
  const left = (event) => event.target.removeAttribute("aria-invalid");
  form.addEventListener("invalid", left, true);
}

// Asks after a submission, ever more slowly, and shows the page anew once its outcome is known.
async function poll(outcome) {
  const { poll: address, from = "received" } = outcome.dataset;
  for (let wait = 500; wait < 60_000; wait *= 1.5) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok && (await answer.json()).status !== from) return refresh(outcome);
  }
}

// Only the outcome and the heading change, so that a screen reader reads the outcome and nothing else moves.
async function refresh(outcome) {
  if ("reload" in outcome.dataset) return location.reload(); // more than the outcome has changed
  const text = await fetch(location.href).then((answer) => answer.text()).catch(() => "");
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector(".outcome");
  if (!fresh) return location.reload();
  document.title = page.title;
  document.querySelector("h1").replaceWith(page.querySelector("h1"));
  outcome.replaceChildren(...fresh.children);
}

// Asks for what the page waits for, ever more slowly, and reloads the page when it is there.
async function wait() {
  for (let pause = 1_000; pause < 60_000; pause *= 1.3) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const text = await fetch(location.href).then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
    if (text && !text.includes(" data-wait")) return location.reload();
  }
}

document.querySelectorAll("[data-search]").forEach(suggest);
document.querySelector("[autofocus]")?.focus(); // not every browser gives it to what is no field
document.querySelectorAll("[data-once]").forEach(once);
document.querySelectorAll("form[method=post]").forEach(judge);
document.querySelectorAll("[data-poll]").forEach(poll);
document.querySelectorAll("[data-wait]").forEach(wait);
