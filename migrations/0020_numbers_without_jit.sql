-- A plan that does without sequential scans has a very high estimated cost wherever one is unavoidable, and
-- PostgreSQL with LLVM (Debian's packages, the official image, most hosted ones) then compiles the query with
-- all optimizations: two to three seconds of CPU for 20 ms of work, at every scrape of /metrics. Safe to run
-- again, like 0001.

alter function engine_lookup.operating_numbers(integer) set jit = off;
