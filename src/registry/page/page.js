/**
 * The page of a registry: who is online, live. What peers say of themselves is text and nothing else: nothing here makes
 * markup of a string. Lists are shown in pages, and drawn at most once a frame however fast the news comes.
 */

const PAGE = 100;
const GRAPH_EVERY_MS = 60_000;
const FRESH_MS = 4_000;
const WIDTH = 600;
const HEIGHT = 64;
const SHORTEST_MS = 180_000; // less than that is no history

const $ = (id) => document.getElementById(id);

/** Peers by id, as the registry told of them; `text` is what a search looks at, `comesAt` when they came while we watched. */
const peers = new Map();
const shown = { bots: PAGE, people: PAGE };
let isSynced = false;
let isDrawDue = false;

/* ---- the news ---- */

const events = new EventSource("v1/events?proof=false");

events.addEventListener("snapshot", () => {
  peers.clear();
  isSynced = false;
});

events.addEventListener("peer", ({ data }) => {
  const peer = JSON.parse(data);
  const { name, card } = peer;
  const words = card.commands.flatMap((command) => [command.name, command.about]);
  peer.text = [name, card.about, ...words].join("\n").toLowerCase();
  const isNew = isSynced && !peers.has(peer.id);
  peer.comesAt = isNew ? performance.now() : peers.get(peer.id)?.comesAt;
  peers.set(peer.id, peer);
  drawSoon();
});

events.addEventListener("gone", ({ data }) => {
  peers.delete(JSON.parse(data).id);
  drawSoon();
});

events.addEventListener("synced", ({ data }) => {
  isSynced = true;
  setView(JSON.parse(data).stale);
  drawSoon();
});

events.addEventListener("error", () => {
  const isRefused = events.readyState === EventSource.CLOSED; // a browser gives up for good when it was answered with a refusal
  setState(
    "away",
    isRefused ? "the registry has too many readers; trying again" : "the registry is away; trying again",
  );
  if (isRefused) setTimeout(() => location.reload(), 20_000 + Math.random() * 20_000);
});

events.addEventListener("view", ({ data }) => setView(JSON.parse(data).stale));

function setView(isStale) {
  if (isStale) setState("away", "many were lost at once: some who are shown may be gone");
  else setState("live");
}

function setState(state, text = state) {
  $("state").className = state;
  $("state").textContent = text;
}

/* ---- lists ---- */

function drawSoon() {
  if (isDrawDue) return;
  isDrawDue = true;
  requestAnimationFrame(() => {
    isDrawDue = false;
    if (isSynced) draw(); // in the middle of a snapshot there is nothing to be seen yet
  });
}

function draw() {
  const all = [...peers.values()];
  const bots = all.filter(({ kind }) => kind === "bot");
  const people = all.filter(({ kind }) => kind === "person");
  $("online-title").textContent = headline(people.length, bots.length);
  $("bots-hint").hidden = bots.length === 0;
  const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  drawList("bots", bots, words, botItem, "No bot is online.");
  drawList("people", people, words, personItem, "Nobody is online.");
}

function headline(people, bots) {
  if (people + bots === 0) return "Nobody is here yet";
  const parts = [];
  if (people > 0) parts.push(people === 1 ? "1 person" : `${number(people)} people`);
  if (bots > 0) parts.push(bots === 1 ? "1 bot" : `${number(bots)} bots`);
  return `${parts.join(" and ")} online`;
}

/** Items that are as they were stay where they are, with the reader's focus and selection in them. */
function drawList(which, all, words, itemOf, nothing) {
  const found = all.filter(({ text }) => words.every((word) => text.includes(word))).sort(byName);
  const list = $(which);
  const old = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const items = found.slice(0, shown[which]).map((peer) => {
    const known = old.get(peer.id);
    if (known && Number(known.dataset.seq) === peer.seq) return known;
    const item = itemOf(peer);
    item.dataset.id = peer.id;
    item.dataset.seq = peer.seq;
    if (peer.comesAt !== undefined && performance.now() - peer.comesAt < FRESH_MS) item.classList.add("fresh");
    return item;
  });
  const isSame = items.length === list.children.length && items.every((item, n) => item === list.children[n]);
  if (!isSame) list.replaceChildren(...items);
  $(`${which}-count`).textContent = words.length > 0 ? `${number(found.length)} of ${number(all.length)}` : "";
  const none = $(`${which}-none`);
  none.hidden = found.length > 0;
  none.textContent = all.length === 0 ? nothing : "Nothing here has all of these words.";
  const more = $(`${which}-more`);
  more.hidden = found.length <= shown[which];
  more.textContent = `Show ${number(Math.min(PAGE, found.length - shown[which]))} more of ${number(found.length)}`;
}

const compare = new Intl.Collator("en", { numeric: true }).compare;
const byName = (a, b) => compare(a.name, b.name);

function botItem({ name, card }) {
  const item = make("li", {}, make("h3", {}, name));
  if (card.about) item.append(make("p", {}, card.about));
  if (card.commands.length > 0) item.append(make("ul", { className: "commands" }, ...card.commands.map(commandItem)));
  return item;
}

function commandItem(command) {
  const takes = readArguments(command.args).map(takenText).filter(Boolean);
  const item = make("li", {}, make("code", {}, ...wholeWords(exampleOf(command))));
  if (command.about) item.append(make("p", {}, command.about));
  if (takes.length > 0) item.append(make("p", { className: "takes" }, takes.join(" · ")));
  return item;
}

function personItem({ name, addresses }) {
  const [first] = addresses;
  const host = first && (first.host.includes(":") ? `[${first.host}]` : first.host);
  const address = first ? `${host}:${first.port}` : "";
  return make("li", {}, make("h3", {}, name), make("span", { className: "address" }, address));
}

/** An element of our own, whose content are other elements and plain texts. */
function make(tag, properties, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

/* ---- how to ask a bot, from the JSON Schema of a command's arguments ---- */

function readArguments(schema) {
  const properties = Object.entries(schema?.properties ?? {});
  const required = Array.isArray(schema?.required) ? schema.required : [];
  return properties.map(([key, value], index) => {
    const property = typeof value === "object" && value !== null ? value : {};
    const choices = Array.isArray(property.enum) ? property.enum : "const" in property ? [property.const] : undefined;
    return {
      key,
      property,
      choices,
      flag: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      isRequired: required.includes(key),
      isRest: index === properties.length - 1 && property.type === "string" && !choices && !property.format,
    };
  });
}

/** `roll`, `--sides 6`, `--times 2`; or `say`, `<text>` */
function exampleOf({ name, args }) {
  return [name, ...readArguments(args).map(exampleOfArgument)];
}

/** A line is broken between them, not at the dashes of an option. */
function wholeWords(parts) {
  return parts.flatMap((part, n) => [n === 0 ? "" : " ", make("span", {}, part)]);
}

function exampleOfArgument({ key, flag, property, choices, isRequired, isRest }) {
  if (property.type === "boolean" && !isRequired) return property.default === true ? `[--no-${flag}]` : `[--${flag}]`;
  if (isRest) return isRequired ? `<${key}>` : `[${key}]`;
  const value = property.default ?? choices?.[0] ?? (isNumber(property) ? (leastOf(property) ?? 1) : undefined);
  const text = value === undefined ? (FORMATS.get(property.format) ?? `<${key}>`) : wordOf(value);
  return isRequired || value !== undefined ? `--${flag} ${text}` : `[--${flag} ${text}]`;
}

const FORMATS = new Map([
  ["duration", "10m"],
  ["peer", "<who>"],
]);

/** Whatever a bot has put there: an object may not be turned into a text by its own means, which may be missing. */
function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function wordOf(value) {
  const text = plain(value);
  return /^[\w.:@/-]+$/.test(text) ? text : JSON.stringify(text);
}

/** `sides: 2 or more, 6 if left out` */
function takenText({ key, property, choices, isRequired }) {
  const least = leastOf(property);
  const most = isBound(property.maximum) ? property.maximum : undefined;
  const range =
    least !== undefined && most !== undefined
      ? `${number(least)} to ${number(most)}`
      : least !== undefined
        ? `${number(least)} or more`
        : most !== undefined
          ? `up to ${number(most)}`
          : undefined;
  const fallback =
    property.default !== undefined && property.type !== "boolean"
      ? `${plain(property.default)} if left out`
      : undefined;
  const missing =
    !isRequired && property.default === undefined && property.type !== "boolean" ? "may be left out" : undefined;
  const description = typeof property.description === "string" ? property.description : undefined;
  const facts = [description, choices?.map(plain).join(" or "), range, fallback ?? missing].filter(
    (fact) => fact !== undefined,
  );
  return facts.length > 0 ? `${key}: ${facts.join(", ")}` : "";
}

const isNumber = ({ type }) => type === "integer" || type === "number";
const isBound = (value) => typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
const leastOf = ({ minimum }) => (isBound(minimum) ? minimum : undefined);

/* ---- the graph ---- */

async function drawGraph() {
  const response = await fetch("v1/series");
  if (!response.ok) return;
  const { samples } = await response.json();
  const counts = samples.map(([at, people, bots]) => [at, people + bots]);
  const [from, to] = [counts[0][0], counts.at(-1)[0]];
  $("history").hidden = to - from < SHORTEST_MS;
  const most = Math.max(...counts.map(([, count]) => count));
  const x = (at) => (((at - from) / Math.max(1, to - from)) * WIDTH).toFixed(1);
  const y = (count) => (HEIGHT - (count / Math.max(1, most)) * (HEIGHT - 4)).toFixed(1);
  // In steps: between two samples it is not known what was, and a slope would claim it.
  const points = counts.flatMap(([at, count], n) => [
    `${x(at)},${y(counts[n - 1]?.[1] ?? count)}`,
    `${x(at)},${y(count)}`,
  ]);
  const all = shape("polygon", "all", [`0,${HEIGHT}`, ...points, `${WIDTH},${HEIGHT}`]);
  $("graph").replaceChildren(all, shape("polyline", "line", points));
  const since = `${span(to - from)} ago`;
  $("graph").setAttribute("aria-label", `Peers online since ${since}: at most ${most}, now ${counts.at(-1)[1]}.`);
  const texts = [since, `at most ${number(most)} online`, "now"];
  $("caption").replaceChildren(...texts.map((text) => make("span", {}, text)));
}

function shape(tag, className, points) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  element.setAttribute("class", className);
  element.setAttribute("points", points.join(" "));
  return element;
}

function span(ms) {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

const number = (count) => count.toLocaleString("en");

/* ---- beginning ---- */

for (const which of ["bots", "people"]) {
  $(`${which}-more`).addEventListener("click", () => {
    shown[which] += PAGE;
    draw();
  });
}
$("words").addEventListener("input", () => {
  Object.assign(shown, { bots: PAGE, people: PAGE });
  drawSoon();
});
$("search").addEventListener("submit", (event) => event.preventDefault());
$("join").textContent = `bun run peer -r ${location.origin}`;
const graph = () => drawGraph().catch(() => {}); // it is drawn again in a minute
setInterval(graph, GRAPH_EVERY_MS);
void graph();
const about = await fetch("v1/registry").then((response) => response.json());
$("key").textContent = about.registry;
