// Drives one process of npm ipc@0.0.1, unedited: node -e <this> <config as JSON>.
//
// Takes one command a line on stdin, {"n", "do", ...}, and writes one line for each
// answer, {"n", "value"}, and for each event, {"event", ...}, to stdout. Ends with stdin.
'use strict';
const config = JSON.parse(process.argv[1]);
const write = (line) => require('fs').writeSync(1, JSON.stringify(line) + '\n');

// What node has dropped since the package was written, and its logger needs.
const util = require('util');
for (const name of ['error', 'puts', 'debug', 'print']) {
  util[name] = (...args) => process.stderr.write(args.join(' ') + '\n');
}
// Its numbers are fixed: 10 s and 60 s, Redis on port 6379, the process id.
const { setTimeout: timeout, setInterval: interval } = global;
global.setTimeout = (f, ms, ...args) => timeout(f, ms / config.speed, ...args);
global.setInterval = (f, ms, ...args) => interval(f, ms / config.speed, ...args);
Object.defineProperty(process, 'pid', { value: config.pid });
const load = require('module').createRequire(config.dir + '/package.json');
const redis = load('redis');
const create = redis.createClient;
redis.createClient = () => {
  const client = create.call(redis, config.port, config.host);
  const lag = config.lag;
  config.lag = 0; // the first client sends commands, the second one is subscribed
  if (lag) {
    const data = client.on_data;
    client.on_data = (bytes) => timeout(() => data.call(client, bytes), lag);
  }
  return client;
};

// Where the machine is too busy for its hastened times, its faults say nothing of ours.
let looked = performance.now();
interval(() => {
  const late = performance.now() - looked - 10;
  looked = performance.now();
  if (late > 20) write({ event: 'stalled', text: `${Math.round(late)} ms` });
}, 10).unref();

process.on('uncaughtException', (err) => {
  write({ event: 'died', text: String(err) });
  process.exit(1);
});
const Ipc = load(config.dir);
const ipc = new Ipc(config.id);

// won and lost do not say of which election: whose result has changed with the event.
let known = {}, queued = [];
const flush = () => {
  for (const e of Object.keys(ipc._lastResult)) {
    const result = ipc._lastResult[e];
    if (result === known[e]) continue;
    known[e] = result;
    const at = queued.findIndex((q) => (q.event === 'won' ? 1 : 0) === result);
    if (at >= 0) write({ ...queued.splice(at, 1)[0], election: e });
  }
  for (const q of queued.splice(0)) write(q);
};
for (const event of ['won', 'lost']) {
  ipc.on(event, () => {
    queued.push({ event });
    process.nextTick(flush);
  });
}
ipc.on('dead', (d) => write({ event: 'dead', id: d.id, process: d.process }));
ipc.on('message', (value) => write({ event: 'message', value }));
let channels = 0;
ipc._subscriber.on('subscribe', () => {
  if (++channels === 3) write({ event: 'subscribed' });
});

const commands = {
  online: (c, done) => ipc.markProcessOnline(done),
  offline: (c, done) => ipc.markProcessOffline(c.id, done),
  run: (c, done) => done(ipc.runForPresident(c.election)),
  quit: (c, done) => done(ipc.quitElection(c.election)),
  send: (c, done) => ipc.sendMessage(c.id, c.value, (err, n) => done(n)),
  broadcast: (c, done) => ipc.sendMessageToAll(c.value, (err, n) => done(n)),
  winner: (c, done) => ipc.getCurrentWinner((err, text) => done(text)),
  details: (c, done) => ipc.getProcessDetails(c.id, (err, d) => done(d)),
  result: (c, done) => done(ipc._lastResult[c.election]),
  pending: (c, done) => done(ipc._sentVotes[c.election]),
};
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const c = JSON.parse(line);
  commands[c.do](c, (value) => write({ n: c.n, value }));
}).on('close', () => process.exit(0));
