"""The rival of authenticated reads in Python: FastAPI and asyncpg, no ORM, no row-level security.

One statement finds the token and its user, a second one the client. Its tables are its own, in the schema
`rival` of the database at DATABASE_URL. Prints its address, a token and a client's id as one line of JSON.
"""

import hashlib
import json
import os
import secrets
import socket
import uuid

import asyncpg
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

TABLES = """
create schema if not exists rival;
create table if not exists rival.users (
  id uuid primary key, org_id uuid not null, role text not null, client_id uuid, is_active bool not null);
create table if not exists rival.tokens (
  hash bytea primary key, org_id uuid not null, user_id uuid not null, is_active bool not null);
create table if not exists rival.clients (
  id uuid primary key, org_id uuid not null, name text not null, domain text,
  created_at timestamptz not null default now());
"""

app = FastAPI()
listener = socket.create_server(("127.0.0.1", 0), backlog=512)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@app.on_event("startup")
async def start() -> None:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=20)
    org, user, client, token = uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), secrets.token_urlsafe(32)
    async with app.state.pool.acquire() as connection:
        await connection.execute(TABLES)
        await connection.execute("insert into rival.users values ($1, $2, 'org_admin', null, true)", user, org)
        await connection.execute("insert into rival.tokens values ($1, $2, $3, true)", digest(token), org, user)
        await connection.execute("insert into rival.clients (id, org_id, name) values ($1, $2, 'Acme')", client, org)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"address": address, "token": token, "client_id": str(client)}, separators=(",", ":")), flush=True)


async def current_user(authorization: str = Header(...)) -> asyncpg.Record:
    found = await app.state.pool.fetchrow(
        "select t.org_id, u.id, u.role, u.client_id from rival.tokens t join rival.users u on u.id = t.user_id"
        " where t.hash = $1 and t.is_active and u.is_active",
        digest(authorization.removeprefix("Bearer ")),
    )
    if found is None:
        raise HTTPException(401)
    return found


class ClientGet(BaseModel):
    client_id: uuid.UUID


@app.post("/api/clients/get")
async def clients_get(body: ClientGet, user: asyncpg.Record = Depends(current_user)) -> dict:
    client = await app.state.pool.fetchrow(
        "select * from rival.clients where org_id = $1 and id = $2", user["org_id"], body.client_id
    )
    if client is None:
        raise HTTPException(404)
    return dict(client)


if __name__ == "__main__":
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
