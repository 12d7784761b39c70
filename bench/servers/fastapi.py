"""The accept path on FastAPI and SQLAlchemy: one session for each request, one transaction, fsynced before the answer."""

import hashlib
import hmac
import json
import os
import signal
import socket
import sqlite3
import time

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, create_engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base, sessionmaker
from sqlalchemy.pool import QueuePool

SECRET = os.environ["BENCH_SECRET"].encode()
Base = declarative_base()


class Event(Base):
    __tablename__ = "events"
    id = Column(Integer, primary_key=True)
    webhook_id = Column(String(255), nullable=False, unique=True)
    body = Column(LargeBinary, nullable=False)
    accepted_at = Column(BigInteger, nullable=False)


class Run(Base):
    __tablename__ = "runs"
    id = Column(Integer, primary_key=True)
    event_id = Column(Integer, ForeignKey("events.id"), nullable=False)
    workflow_name = Column(String(64), nullable=False)
    status = Column(String(16), nullable=False)
    created_at = Column(BigInteger, nullable=False)


engine = create_engine(
    f"sqlite:///{os.environ['BENCH_DATABASE']}",
    poolclass=QueuePool,
    connect_args={"check_same_thread": False, "timeout": 30},
)


@event.listens_for(engine, "connect")
def on_connect(connection, _record):
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


Base.metadata.create_all(engine)
make_session = sessionmaker(engine)
app = FastAPI(openapi_url=None)


async def get_session():
    with make_session() as session:
        yield session


# The session is used on the event loop's own thread: SQLite writes one after the other, and handing each write to a
# pool of threads only makes them wait for its lock.
@app.post("/webhooks/generic")
async def receive(request: Request, session: Session = Depends(get_session)):
    body = await request.body()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("x-signature", "")):
        raise HTTPException(401)
    delivery = json.loads(body)
    now = int(time.time() * 1000)
    try:
        stored = Event(webhook_id=delivery["webhook_id"], body=body, accepted_at=now)
        session.add(stored)
        session.flush()
        run = Run(event_id=stored.id, workflow_name=delivery["workflow_name"], status="queued", created_at=now)
        session.add(run)
        session.flush()
        run_id = run.id
        session.commit()
    except IntegrityError:
        session.rollback()
        return JSONResponse({"status": "duplicate"}, 200)
    return JSONResponse({"status": "accepted", "run_id": run_id}, 202)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))


@app.on_event("startup")
def on_startup():
    port = listener.getsockname()[1]
    print(json.dumps({"port": port, "engine": f"python sqlite3 {sqlite3.sqlite_version}"}), flush=True)


server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning"))
signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
server.run(sockets=[listener])
