-- Runs once, when the server is made: only the operator may connect to the databases that Postgres itself creates.
revoke all on database postgres, template1 from public;
