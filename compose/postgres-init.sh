#!/bin/bash
# The roles and the database, as docs/operations/backup.md ("An empty server") has them: a test compares the
# two. The runtime role comes first; the logins become members of it.
set -euo pipefail

psql --username postgres --dbname postgres --set ON_ERROR_STOP=1 \
  --set owner_password="$OWNER_PASSWORD" --set tenant_password="$TENANT_PASSWORD" <<'SQL'
create role sfdc_engine_owner login password :'owner_password' nosuperuser nobypassrls nocreatedb nocreaterole;
create role sfdc_engine_runtime nologin nosuperuser nobypassrls nocreatedb nocreaterole;
grant sfdc_engine_runtime to sfdc_engine_owner;
create role sfdc_engine_tenant login password :'tenant_password' nosuperuser nobypassrls nocreatedb nocreaterole;
grant sfdc_engine_runtime to sfdc_engine_tenant;
create database sfdc_engine owner sfdc_engine_owner;
SQL
