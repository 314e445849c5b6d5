-- Sessions end when the page gets other accounts: local ones, or those of another OpenID Connect provider.

alter table page_session add column issuer text not null default '';
comment on column page_session.issuer is 'URL of the OpenID Connect provider at which the user signed in; empty for a local account.';
