-- What the page for reviewers needs: users and sessions, decisions that can still be undone, and the audit.

create table audit_event (
    id               bigint generated always as identity primary key,
    at               timestamptz not null default now(),
    who              text not null,
    via              text not null check (via in ('page', 'shell')),
    action           text not null,
    item_id          bigint,
    sop_instance_uid text,
    frame            int,
    why              text,
    details          jsonb
);
comment on table audit_event is 'Who looked at, decided, replayed or erased what, and when; rows are only added.';
comment on column audit_event.id is 'Number of the event.';
comment on column audit_event.at is 'When it happened.';
comment on column audit_event.who is 'Name of the user of the page, or the one given in the shell.';
comment on column audit_event.via is 'page or shell.';
comment on column audit_event.action is 'What was done; oversight/audit/audit_log.py lists the actions.';
comment on column audit_event.item_id is 'The item concerned; no reference, because the row stays when the item is erased.';
comment on column audit_event.sop_instance_uid is 'Pseudonymous SOP Instance UID of the image concerned.';
comment on column audit_event.frame is 'Frame of the image concerned, counted from 1.';
comment on column audit_event.why is 'Why, in the words of the person.';
comment on column audit_event.details is 'Further facts: rectangles, verdict, roles.';
create index audit_event_item on audit_event (item_id) where item_id is not null;
create index audit_event_who on audit_event (who, id);

create table pending_decision (
    item_id    bigint primary key references ledger_item on delete cascade,
    decision   text not null check (decision in ('release', 'refuse')),
    blank      jsonb,
    who        text not null,
    why        text not null,
    decided_at timestamptz not null default now()
);
comment on table pending_decision is 'Decisions on the page that are carried out a few seconds later, and can be undone until then.';
comment on column pending_decision.item_id is 'The held item.';
comment on column pending_decision.decision is 'release or refuse.';
comment on column pending_decision.blank is 'Rectangles to make black: left, top, width, height in pixels.';
comment on column pending_decision.who is 'Name of the user who decided.';
comment on column pending_decision.why is 'Why, in the words of that person.';
comment on column pending_decision.decided_at is 'When it was decided.';

-- The list of held files in order of their numbers, also if a hundred thousand are held.
create index ledger_item_held on ledger_item (id) include (cause, device) where function = 'extract' and state = 'held';

create table page_user (
    name              text primary key check (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    roles             text[] not null check (roles <@ array['viewer', 'reviewer', 'operator'] and roles <> '{}'),
    password_hash     text,
    invite_hash       bytea,
    invite_expires_at timestamptz,
    created_at        timestamptz not null default now(),
    disabled_at       timestamptz
);
comment on table page_user is 'Local accounts of the page; not used where users sign in by OpenID Connect.';
comment on column page_user.name is 'Name to sign in with.';
comment on column page_user.roles is 'viewer, reviewer, operator.';
comment on column page_user.password_hash is 'Argon2id hash of the password; null until the invitation is used.';
comment on column page_user.invite_hash is 'SHA-256 of the token of a one-time link to set the password.';
comment on column page_user.invite_expires_at is 'Until when the link works.';
comment on column page_user.created_at is 'When the account was made.';
comment on column page_user.disabled_at is 'Since when the user can no longer sign in.';

create table page_session (
    token_hash   bytea primary key,
    who          text not null,
    roles        text[] not null,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);
comment on table page_session is 'Sessions of signed-in users of the page.';
comment on column page_session.token_hash is 'SHA-256 of the token in the cookie.';
comment on column page_session.who is 'Name of the user.';
comment on column page_session.roles is 'The roles of the user when signing in.';
comment on column page_session.created_at is 'When the user signed in.';
comment on column page_session.last_seen_at is 'When the session was last used.';
create index page_session_who on page_session (who);

create table sign_in_failure (
    subject bytea not null,
    at      timestamptz not null default now()
);
comment on table sign_in_failure is 'Failed sign-ins of the last minutes, to limit their rate.';
comment on column sign_in_failure.subject is 'SHA-256 of the name or address that was used.';
comment on column sign_in_failure.at is 'When it failed.';
create index sign_in_failure_subject on sign_in_failure (subject, at);
