const REPOSITORY = "https://github.com/bytequester/hosting-monorepo";
const COMMIT = /^[0-9a-f]{40}$/;
const TIMEOUT_MS = 5000;

const element = (id) => document.getElementById(id);

function show(id, content, state = "") {
  element(id).replaceChildren(content);
  element(id).dataset.state = state;
}

const get = (path) =>
  fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });

function revisionLink(revision) {
  if (!COMMIT.test(revision)) return revision;
  const link = document.createElement("a");
  link.href = `${REPOSITORY}/commit/${revision}`;
  link.textContent = revision;
  return link;
}

async function showRelease() {
  try {
    const response = await get("/version.json");
    if (!response.ok) throw new Error(`version.json answered ${response.status}`);
    const { app, revision } = await response.json();
    show("app", app);
    show("revision", revisionLink(revision));
  } catch (error) {
    show("app", "unknown", "bad");
    show("revision", error.message, "bad");
  }
}

async function showProbe(id) {
  try {
    const response = await get(`/${id}`);
    show(id, response.ok ? "yes" : `no: ${await response.text()}`, response.ok ? "good" : "bad");
  } catch (error) {
    show(id, `no answer: ${error.message}`, "bad");
  }
}

async function refresh() {
  await Promise.all([showRelease(), showProbe("healthz"), showProbe("readyz")]);
  show("checked", `Checked at ${new Date().toLocaleTimeString()}`);
}

element("refresh").addEventListener("click", refresh);
refresh();
