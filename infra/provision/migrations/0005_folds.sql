-- Folds of cross-validation in training sets.

alter table training_set_patient add column fold int check (fold > 0);
comment on column training_set_patient.fold is 'The fold of cross-validation, if the version has folds and the split is not test.';
comment on column training_set_version.options is 'The given options: selection, labels, rule, splits, seed and others.';
