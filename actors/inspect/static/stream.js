// The event stream: reconnects by itself, goes on where it broke, and says how it stands.

const PATIENCE = 3000;
const OPENING = 5000; // what has said nothing by then may be held back by a proxy

export class Stream {
  /** on: { changes(data), reload(), live(ok, words) } */
  constructor(on) {
    this.on = on;
    this.source = null;
    this.since = "";
    this.election = null;
    this.timer = 0;
    this.standing = [false, "connecting"];
    addEventListener("online", () => this.open());
  }

  /** Watches an election. */
  watch(election, since) {
    if (since && !this.since) this.since = since;
    if (this.source && this.election === election) return;
    this.election = election;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    const query = new URLSearchParams({ election: this.election ?? "" });
    if (this.since) query.set("since", this.since);
    const source = new EventSource("events?" + query);
    this.source = source;
    const take = (name, f) =>
      source.addEventListener(name, (e) => {
        if (source !== this.source) return;
        clearTimeout(this.timer);
        if (e.lastEventId) this.since = e.lastEventId;
        f(JSON.parse(e.data));
      });
    take("hello", (data) => {
      this.stands(true, "live");
      this.on.changes(data);
    });
    take("changes", (data) => this.on.changes(data));
    take("reload", () => {
      this.stands(true, "live");
      this.on.reload();
    });
    take("bye", () => this.again("the server is closing"));
    source.onerror = () => {
      if (source === this.source) this.again("connection lost");
    };
    this.timer = setTimeout(() => {
      this.again("no stream comes through");
      this.on.reload(); // at least that
    }, OPENING);
  }

  stands(...standing) {
    this.standing = standing;
    this.on.live(...standing);
  }

  again(why) {
    this.source?.close();
    this.source = null;
    this.stands(false, `${why}; trying again`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), PATIENCE * (0.5 + Math.random() / 2));
  }
}
