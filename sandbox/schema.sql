-- The provider's own records. Applied at start under an advisory lock, as often as one likes.
create schema if not exists sandbox;
create table if not exists sandbox.objects (
    id text primary key, kind text not null, made bigserial, data jsonb not null);
create index if not exists objects_kind on sandbox.objects (kind, made desc);
create index if not exists objects_data on sandbox.objects using gin (data jsonb_path_ops);
create table if not exists sandbox.answers (
    key text primary key, fingerprint text not null, status int, body text, at timestamptz not null default now());
create table if not exists sandbox.deliveries (
    id text primary key, made bigserial, event jsonb not null, tries int not null default 0,
    next_try timestamptz not null default now(), delivered_at timestamptz);
-- When the first answer to it came, good or bad: the way back from the checkout waits for that.
alter table sandbox.deliveries add column if not exists answered_at timestamptz;
create index if not exists deliveries_waiting on sandbox.deliveries (next_try) where delivered_at is null;
create table if not exists sandbox.settings (name text primary key, value text not null);
