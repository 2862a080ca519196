"""A peer of Warren, written from docs/protocol.md alone: Python's standard library, and openssl to make and to read keys.

    python3 peer.py FOLDER [PORT]      PORT is the one to tell others, where it is not the one that is listened at

Commands come on standard input, a line each: `dial HOST:PORT`, `send TEXT` (to whoever was dialled), `inbox`.
What happens goes to standard output as lines of JSON. All that must survive is in FOLDER.
"""
import asyncio, base64, functools, json, logging, os, random, secrets, ssl, subprocess, sys, time

MAX_HELLO, MAX_FRAME, CREDIT, PING_AFTER_S = 4_096, 262_144, 16, 15
ED25519 = bytes.fromhex("302a300506032b6570032100")  # in DER, what comes before the 32 bytes of a public key
KEY, CERTIFICATE, STATE = (f"{sys.argv[1]}/{name}" for name in ("key.pem", "certificate.pem", "state.json"))
class Bye(Exception): """The connection ends, for a reason that the other side is told: a code."""
def tell(event, **more): print(json.dumps({"event": event, **more}), flush=True)
def token(): return secrets.token_urlsafe(12)  # 16 characters of A-Za-z0-9_-

# A peer is its key ----------------------------------------------------------------------------------------------------
def openssl(*words, given=None): return subprocess.run(["openssl", *words], input=given, check=True, capture_output=True).stdout
@functools.lru_cache
def id_in(pem):  # read by a parser: a search for the bytes above would find what anybody has written into a name
    key = openssl("pkey", "-pubin", "-outform", "DER", given=openssl("x509", "-noout", "-pubkey", given=pem.encode()))
    if not key.startswith(ED25519): raise ValueError("not an Ed25519 key")
    return base64.b32encode(key[len(ED25519):]).decode().rstrip("=").lower()
def tls(side):
    context = ssl.SSLContext(side)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["warren/1"])
    context.load_cert_chain(CERTIFICATE, KEY)
    return context
if not os.path.exists(CERTIFICATE):
    os.makedirs(sys.argv[1], exist_ok=True)
    openssl("genpkey", "-algorithm", "ed25519", "-out", KEY)
    openssl("req", "-new", "-x509", "-key", KEY, "-subj", "/CN=warren", "-days", "36500", "-out", CERTIFICATE)
me, instance, chosen, waiting = id_in(open(CERTIFICATE).read()), token(), {}, {}  # connections, by the id of the peer

# What must be on disk before a word is said about it -------------------------------------------------------------------
state = json.load(open(STATE)) if os.path.exists(STATE) else {"dial": None, "peer": None, "sessions": {}}
def save():
    with open(STATE + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(STATE + ".new", STATE)
def session_with(peer):
    ours = {"epoch": token(), "last": 0, "acked": 0, "acked_id": "", "outbox": [], "unsettled": []}  # those wait for receipts
    theirs = {"have": None, "inbox": [], "receipts": []}  # receipts are [epoch, number], until they are confirmed
    return state["sessions"].setdefault(peer, {"certificate": None, **ours, **theirs})

# A connection ---------------------------------------------------------------------------------------------------------
class Connection:
    def __init__(self, reader, writer, conn):  # conn: its name, if it was us who dialled
        self.reader, self.writer, self.conn, self.hello = reader, writer, conn, None
        certificate = ssl.DER_cert_to_PEM_cert(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        self.peer = id_in(certificate)
        if self.peer == me: raise ValueError("that is this peer itself")
        self.session, self.decides = session_with(self.peer), me < self.peer
        self.session["certificate"] = certificate
        self.ready_heard = self.started = self.is_ended = False
        self.sent = self.credit = self.granted = 0  # numbers: sent by us, allowed to us, allowed to them
        self.k, self.told = 0, []  # the last receipt, and what it has told while it is not confirmed
    def say(self, t, **fields):
        if not self.writer.is_closing(): self.writer.write(json.dumps({"t": t, **fields}).encode() + b"\n")
    def say_hello(self):
        held, port = chosen.get(self.peer), int(sys.argv[2]) if len(sys.argv) > 2 else listening
        self.say("hello", v=1, instance=instance, conn=self.conn, holds=held.conn if held else None, name="python", kind="bot", port=port)
    def end(self, code):
        self.say("bye", code=code, message="")
        self.is_ended = True  # nothing that comes from now on is looked at
        self.writer.close()
        self.reader.feed_eof()
    async def run(self):  # until it ends; returns whether it ended in order
        try:
            if self.conn: self.say_hello()
            silences = 0
            while silences < 3:
                try: line = await asyncio.wait_for(self.reader.readline(), PING_AFTER_S)
                except asyncio.TimeoutError:
                    self.say("ping")
                    silences += 1
                    continue
                silences = 0
                if self.is_ended: break
                if not line.endswith(b"\n"): return False  # cut: half a line is nothing
                if not self.hello and len(line) > MAX_HELLO + 1: raise Bye("FRAME_TOO_LARGE")
                frame = json.loads(line)
                if frame["t"] == "bye": raise Bye("CLOSED")
                if (frame["t"] == "hello") != (self.hello is None): raise Bye("PROTOCOL_VIOLATION")
                if frame["t"] not in ON: continue  # of a later version
                if frame["t"] in ANYWHERE or chosen.get(self.peer) is self: ON[frame["t"]](self, frame)
            if not self.is_ended: raise Bye("PEER_SILENT")
        except Bye as bye: self.end(bye.args[0])
        except OSError: return False
        except (ValueError, KeyError, TypeError): self.end("FRAME_MALFORMED")
        finally:
            self.writer.close()
            if waiting.get(self.peer) is self: del waiting[self.peer]
            if chosen.get(self.peer) is self:
                del chosen[self.peer]
                if state["sessions"][self.peer]["outbox"]: wanted.set()
                if self.peer in waiting: choose(waiting.pop(self.peer))
        return True

# Which connection counts ----------------------------------------------------------------------------------------------
def on_hello(c, f):
    c.hello = f
    if c.conn is None:
        c.conn = f["conn"]
        c.say_hello()
    if f["conn"] != c.conn: raise Bye("PROTOCOL_VIOLATION")
    held = chosen.get(c.peer)
    if not c.decides: return
    if held and f["holds"] == held.conn: raise Bye("DUPLICATE")  # both have dialled at once
    if not held or held.ready_heard or held.hello["instance"] != f["instance"]: return choose(c)
    if c.peer in waiting: waiting[c.peer].end("DUPLICATE")
    waiting[c.peer] = c  # until the choice that was made is answered
    asyncio.get_running_loop().call_later(5, lambda: waiting.get(c.peer) is c and held.end("PEER_SILENT"))
def choose(c):
    held, chosen[c.peer] = chosen.get(c.peer), c
    if held: held.end("REPLACED" if held.hello["instance"] == c.hello["instance"] else "TWO_INSTANCES")
    have = c.session["have"]
    c.granted = (have["n"] if have else 0) + CREDIT
    c.say("ready", have=have, w=CREDIT)

# Resume ---------------------------------------------------------------------------------------------------------------
def on_ready(c, f):
    if chosen.get(c.peer) is not c:
        if c.decides: return  # our newer choice has not arrived over there yet
        choose(c)  # the first `ready` is the choice
    if c.ready_heard: raise Bye("PROTOCOL_VIOLATION")
    c.ready_heard, s, have = True, c.session, f["have"]
    if c.peer in waiting: waiting.pop(c.peer).end("DUPLICATE")
    if not is_trustworthy(s, have):  # one of the two disks has gone back in time: count anew
        for n, message in enumerate(s["outbox"], 1): message["n"] = n
        s.update(epoch=token(), acked=0, acked_id="", last=len(s["outbox"]))
    elif have and have["epoch"] == s["epoch"]: acknowledged(s, have["n"])
    save()
    c.sent, c.credit = s["acked"], s["acked"] + f["w"]
    c.say("start", epoch=s["epoch"], low=s["acked"] + 1)
    tell("up", decides=c.decides)
    pump(c)
    tell_receipts(c)
def is_trustworthy(s, have):
    if not have: return True
    if have["epoch"] != s["epoch"]: return s["acked"] == 0
    ids = {s["acked"]: s["acked_id"], **{message["n"]: message["id"] for message in s["outbox"]}}
    return have["n"] <= s["last"] and (not have["id"] or ids.get(have["n"], "") in ("", have["id"]))
def on_start(c, f):
    if c.started: raise Bye("PROTOCOL_VIOLATION")
    c.started, s, before = True, c.session, f["low"] - 1
    n = s["have"]["n"] if s["have"] else 0
    w, is_same = c.granted - n, s["have"] is not None and s["have"]["epoch"] == f["epoch"]
    if not is_same or before > n:
        if before > (n if is_same else 0): tell("lost", count=before - (n if is_same else 0))
        s["have"] = {"epoch": f["epoch"], "n": before, "id": ""}
    c.granted = s["have"]["n"] + w
    save()

# Messages, acknowledgements, receipts ---------------------------------------------------------------------------------
def pump(c):
    for message in c.session["outbox"]:
        if c.sent < message["n"] <= c.credit:
            c.say("msg", **message)
            c.sent = message["n"]
def acknowledged(s, n):
    done = [message for message in s["outbox"] if message["n"] <= n]
    s["outbox"] = s["outbox"][len(done):]
    s["unsettled"] += [[s["epoch"], message["n"], message["id"]] for message in done]
    if done: s["acked"], s["acked_id"] = n, done[-1]["id"]
def on_ack(c, f):
    s = c.session
    if f["epoch"] != s["epoch"] or not s["acked"] <= f["n"] <= c.sent: raise Bye("PROTOCOL_VIOLATION")
    acknowledged(s, f["n"])
    save()
    c.credit = max(c.credit, f["n"] + f["w"])
    pump(c)
def on_msg(c, f):
    s, first, last, is_message = c.session, f["n"], f.get("to", f["n"]), f["t"] == "msg"
    if not c.started or first != s["have"]["n"] + 1 or not first <= last <= c.granted: raise Bye("PROTOCOL_VIOLATION")
    s["have"].update(n=last, id=f["id"])
    is_new = is_message and all(f["id"] != known["id"] for known in s["inbox"])
    if is_new: s["inbox"].append({"id": f["id"], "text": f["text"]})
    if is_message: s["receipts"].append([s["have"]["epoch"], last])
    save()  # an ack says that it is on disk
    if is_new: tell("message", text=f["text"])
    c.granted = last + CREDIT
    c.say("ack", epoch=s["have"]["epoch"], n=last, w=CREDIT)
    tell_receipts(c)
def tell_receipts(c):  # one at a time: the next one when the last one is confirmed
    if c.told or not c.session["receipts"]: return
    epoch = c.session["receipts"][0][0]
    c.told, c.k = [one for one in c.session["receipts"] if one[0] == epoch][:1_000], c.k + 1
    c.say("done", k=c.k, epoch=epoch, ok=[[n, n] for _, n in c.told], failed=[])
def on_got(c, f):
    if f["k"] > c.k: raise Bye("PROTOCOL_VIOLATION")
    if f["k"] == c.k: c.session["receipts"], c.told = [one for one in c.session["receipts"] if one not in c.told], []
    save()
    tell_receipts(c)
def on_done(c, f):
    ranges = f["ok"] + [[n, n] for n, _ in f["failed"]]
    settled = [[epoch, n, id] for epoch, n, id in c.session["unsettled"]
               if epoch == f["epoch"] and any(first <= n <= last for first, last in ranges)]
    c.session["unsettled"] = [one for one in c.session["unsettled"] if one not in settled]
    save()
    for _, _, id in settled: tell("settled", id=id)
    c.say("got", k=f["k"])

ANYWHERE = ("hello", "ready", "ping", "pong", "notice")  # the rest only counts on the chosen connection
ON = {"hello": on_hello, "ready": on_ready, "ping": lambda c, f: c.say("pong"), "pong": lambda c, f: None, "start": on_start,
      "draft": lambda c, f: tell("draft", text=f["text"]), "msg": on_msg, "skip": on_msg, "ack": on_ack, "done": on_done, "got": on_got, "notice": lambda c, f: tell("notice", text=f["message"])}

# Dialling and listening -----------------------------------------------------------------------------------------------
async def dial(host, port):
    streams = await asyncio.open_connection(host, port, ssl=tls(ssl.PROTOCOL_TLS_CLIENT), server_hostname="warren", limit=MAX_FRAME)
    connection = Connection(*streams, token())
    listener_tls.load_verify_locations(cadata=connection.session["certificate"])  # from now on it may dial us, too
    state["peer"] = connection.peer
    save()
    return connection
async def keep_dialling():  # after a break at once; after a bye, when there is something to say
    pause = 0
    while True:
        wanted.clear()
        if not state["dial"] or state["peer"] in chosen:
            await wanted.wait()
            continue
        connection = None
        try:
            connection = await dial(*state["dial"])
            if await connection.run(): await wanted.wait()
        except (OSError, ValueError, subprocess.CalledProcessError): pass  # nobody is there, or nobody to talk to
        pause = 0 if connection and connection.ready_heard else min(30, pause * 2 or 0.25)
        await asyncio.sleep(random.random() * pause)
async def accept(*streams):
    try: await Connection(*streams, None).run()
    except (ValueError, subprocess.CalledProcessError): streams[1].close()
    wanted.set()
def perform(command, rest):
    if command == "dial":
        state["dial"] = rest.rsplit(":", 1)
        save()
        wanted.set()
    elif command == "send":
        s = session_with(state["peer"])
        s["last"] += 1
        s["outbox"].append({"n": s["last"], "id": token(), "at": int(time.time() * 1_000), "text": rest})
        save()  # from here on it is kept
        tell("queued", id=s["outbox"][-1]["id"])
        if state["peer"] in chosen and chosen[state["peer"]].ready_heard: pump(chosen[state["peer"]])
        else: wanted.set()
    elif command == "inbox":
        s = session_with(state["peer"])
        tell("inbox", texts=[message["text"] for message in s["inbox"]], unsettled=len(s["outbox"] + s["unsettled"]))
async def main():
    global listening, listener_tls, wanted
    wanted, listener_tls = asyncio.Event(), tls(ssl.PROTOCOL_TLS_SERVER)
    # Python's ssl cannot ask for a certificate without judging it: it lets in whom it knows. A listener should let in anybody.
    listener_tls.verify_mode = ssl.CERT_REQUIRED
    for session in state["sessions"].values(): listener_tls.load_verify_locations(cadata=session["certificate"])
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=listener_tls, limit=MAX_FRAME)
    listening = server.sockets[0].getsockname()[1]
    tell("listening", id=me, port=listening)
    dialling, commands = asyncio.create_task(keep_dialling()), asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async for line in commands: perform(*line.decode().rstrip("\n").partition(" ")[::2])
logging.getLogger("asyncio").disabled = True  # it would warn of every word to a connection that has just broken
asyncio.run(main())
