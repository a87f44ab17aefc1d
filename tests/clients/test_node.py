"""node-redis, ioredis, BullMQ and Redlock, installed by npm into a temporary directory."""

import json
import os
import shutil
import subprocess

import pytest
import redis

pytestmark = pytest.mark.clients

IOREDIS = """
const Redis = require('ioredis');
const a = new Redis(PORT), b = new Redis(PORT);
(async () => {
  const out = {};
  await a.flushall();
  out.set = await a.set('k', 'v', 'EX', 100);
  out.get = await a.get('k');
  out.multi = await a.multi().incr('n1').incr('n2').hset('h', 'f', '1').hgetall('h').exec();
  out.pipeline = (await a.pipeline().mset('x', 1, 'y', 2).mget('x', 'y').exec()).map(r => r[1]);
  a.defineCommand('twice', {numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) * 2"});
  out.script = await a.twice('x');
  await b.subscribe('c');
  const got = new Promise(done => b.on('message', (channel, text) => done([channel, text])));
  out.receivers = await a.publish('c', 'hello');
  out.message = await got;
  const stream = a.scanStream({match: '*'}), keys = [];
  for await (const part of stream) keys.push(...part);
  out.keys = keys.sort();
  const blocked = new Redis(PORT);
  const popped = blocked.blpop('q1', 'q2', 5);
  await a.rpush('q2', 'item');
  out.popped = await popped;
  try { await a.lpush('k', 1); } catch (error) { out.error = error.message; }
  console.log(JSON.stringify(out));
  [a, b, blocked].forEach(c => c.disconnect());
})().catch(error => { console.error(error); process.exit(1); });
"""

NODE_REDIS = """
const {createClient} = require('redis');
(async () => {
  const out = {}, a = createClient({url: 'redis://127.0.0.1:PORT', RESP: VERSION});
  await a.connect();
  await a.flushAll();
  await a.hSet('h', {x: '1', y: '2'});
  out.hash = Object.assign({}, await a.hGetAll('h'));
  await a.zAdd('z', [{score: 1.5, value: 'm'}, {score: 2, value: 'n'}]);
  out.scores = await a.zRangeWithScores('z', 0, -1);
  out.multi = await a.multi().set('a', '1').incr('a').get('a').exec();
  const id = await a.xAdd('s', '*', {f: 'v'});
  out.stream = (await a.xRange('s', '-', '+')).map(e => e.message.f);
  const keys = [];
  for await (const part of a.scanIterator()) keys.push(...[].concat(part));
  out.keys = keys.sort();
  const b = a.duplicate();
  await b.connect();
  const got = new Promise(done => b.pSubscribe('p*', (text, channel) => done([channel, text])));
  while (!(await a.publish('p1', 'hello'))) await new Promise(r => setTimeout(r, 20));
  out.message = await got;
  console.log(JSON.stringify(out));
  await a.close(); await b.close();
})().catch(error => { console.error(error); process.exit(1); });
"""


# BullMQ is Lua from end to end, and its scripts make keys of what they read (a job's, a parent's). With a hash tag
# as prefix all of them are on one shard; without one they are what allow-undeclared-keys is for.
BULLMQ = """
const {Queue, Worker, QueueEvents, FlowProducer} = require('bullmq');
const options = {connection: {port: PORT, maxRetriesPerRequest: null}, prefix: 'PREFIX'};
(async () => {
  const out = {}, queue = new Queue('work', options), events = new QueueEvents('work', options);
  await events.waitUntilReady();
  let failures = 0;
  const worker = new Worker('work', async job => {
    if (job.name === 'flaky' && failures++ < 1) throw new Error('once');
    return job.data.n * 2;
  }, {...options, concurrency: 4});
  const jobs = await queue.addBulk([...Array(20).keys()].map(n => ({name: 'double', data: {n}})));
  jobs.push(await queue.add('late', {n: 50}, {delay: 200}));
  jobs.push(await queue.add('flaky', {n: 60}, {attempts: 3, backoff: 10}));
  jobs.push(await queue.add('first', {n: 70}, {priority: 1}));
  out.results = await Promise.all(jobs.map(job => job.waitUntilFinished(events, 20000)));
  const flow = new FlowProducer(options);
  const tree = await flow.add({name: 'parent', queueName: 'work', data: {n: 80}, children: [
    {name: 'child', queueName: 'work', data: {n: 1}}, {name: 'child', queueName: 'work', data: {n: 2}}]});
  out.parent = await tree.job.waitUntilFinished(events, 20000);
  out.children = Object.values(await tree.job.getChildrenValues()).sort();
  out.counts = await queue.getJobCounts('completed', 'failed', 'active', 'waiting', 'delayed');
  await worker.close(); await events.close(); await flow.close(); await queue.close();
  console.log(JSON.stringify(out));
  process.exit(0);
})().catch(error => { console.error(error); process.exit(1); });
"""


# Redlock locks several resources by one script, here on both shards; two owners take turns on them.
REDLOCK = """
const Redis = require('ioredis'), Redlock = require('redlock');
(async () => {
  const out = {entered: 0, most: 0}, names = ['lock:a', 'lock:b', 'lock:c'];
  const clients = [new Redis(PORT), new Redis(PORT)];
  const owners = clients.map(c => new Redlock([c], {retryCount: 500, retryDelay: 5, retryJitter: 5}));
  const impatient = new Redlock([clients[1]], {retryCount: 0});
  let lock = await owners[0].lock(names, 5000);
  out.refused = await impatient.lock(names.slice(1), 1000).then(() => 'taken', error => error.name);
  lock = await lock.extend(20000);
  out.extended = (await clients[0].pttl('lock:b')) > 5000;
  await lock.unlock();
  out.free = await clients[0].exists(...names);
  let inside = 0;
  await Promise.all([0, 1, 2, 3].map(async n => {
    for (let i = 0; i < 10; i++) {
      const mine = await owners[n % 2].lock(names, 5000);
      out.most = Math.max(out.most, ++inside);
      out.entered++;
      await new Promise(done => setTimeout(done, 1));
      inside--;
      await mine.unlock();
    }
  }));
  console.log(JSON.stringify(out));
  clients.forEach(c => c.disconnect());
})().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    directory = tmp_path_factory.mktemp("node")
    reason = None if shutil.which("npm") else "npm is not installed"
    if reason is None:
        done = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "ioredis", "redis", "bullmq", "redlock@4"],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=110,
        )
        reason = None if done.returncode == 0 else f"npm could not install the clients: {done.stderr[-200:]}"
    if reason is not None:
        (pytest.fail if os.environ.get("ELIXIRCACHE_REQUIRE_PEERS") else pytest.skip)(reason)

    def run(script):
        done = subprocess.run(["node", "-e", script], cwd=directory, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_ioredis(node, port):
    found = node(IOREDIS.replace("PORT", str(port)))
    assert found == {
        "set": "OK",
        "get": "v",
        "multi": [[None, 1], [None, 1], [None, 1], [None, {"f": "1"}]],
        "pipeline": ["OK", ["1", "2"]],
        "script": 2,
        "receivers": 1,
        "message": ["c", "hello"],
        "keys": ["h", "k", "n1", "n2", "x", "y"],
        "popped": ["q2", "item"],
        "error": "WRONGTYPE Operation against a key holding the wrong kind of value",
    } or found["multi"][3] == [None, ["f", "1"]]


@pytest.mark.parametrize("version", [2, 3])
def test_node_redis(node, port, version):
    found = node(NODE_REDIS.replace("PORT", str(port)).replace("VERSION", str(version)))
    assert found == {
        "hash": {"x": "1", "y": "2"},
        "scores": [{"value": "m", "score": 1.5}, {"value": "n", "score": 2}],
        "multi": ["OK", 2, "2"],
        "stream": ["v"],
        "keys": ["a", "h", "s", "z"],
        "message": ["p1", "hello"],
    }


@pytest.mark.parametrize(("prefix", "undeclared"), [("{bull}", "no"), ("bull", "yes")])
def test_bullmq(node, port, prefix, undeclared):
    with redis.Redis(port=port) as client:
        client.flushall()
        client.config_set("allow-undeclared-keys", undeclared)
        try:
            found = node(BULLMQ.replace("PORT", str(port)).replace("PREFIX", prefix))
        finally:
            client.config_set("allow-undeclared-keys", "no")
    assert found == {
        "results": [*(2 * n for n in range(20)), 100, 120, 140],
        "parent": 160,
        "children": [2, 4],
        "counts": {"completed": 26, "failed": 0, "active": 0, "waiting": 0, "delayed": 0},
    }


def test_redlock(node, port):
    with redis.Redis(port=port) as client:
        client.flushall()
    found = node(REDLOCK.replace("PORT", str(port)))
    assert found == {"entered": 40, "most": 1, "refused": "LockError", "extended": True, "free": 0}
