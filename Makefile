# Everything a developer runs. Needs python3 (3.11 or newer) and nothing else.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test check audit licences sbom fuzz faults image image-twice scale manifests stores label-studio compose docker bench big lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "dcm2set needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { echo "python3 lacks the venv module (Debian: apt install python3-venv)"; exit 1; }
	@echo "Installing the locked packages into .venv (about two minutes)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# STORE=versitygw: on another object store (docs/stores.md).
demo: setup
	@$(BIN)/dcm2set demo $(if $(STORE),--store $(STORE))

# Files of tests run three at a time, each third with a running home of its own: many wait for timers. They run in
# the order of their folders: the long ones first, and at the end the many short ones, so that all end together.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
# Without bytecode every process of every test compiles this project anew.
unexport PYTHONDONTWRITEBYTECODE

test: setup
	@$(PYTEST)

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python scripts/check_licences.py
	@$(BIN)/python scripts/audit_packages.py
	@$(PYTEST)

audit: setup
	@$(BIN)/python scripts/audit_packages.py

licences: setup
	@$(BIN)/python scripts/check_licences.py --write

# What dcm2set is made of, in CycloneDX, of this environment.
sbom: setup
	@mkdir -p build
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
		-o build/sbom.json $(BIN)/python
	@echo "build/sbom.json"

fuzz: setup
	@DCM2SET_FUZZ_CASES=$${DCM2SET_FUZZ_CASES:-2000} $(BIN)/pytest \
		tests/unit/functions/extract/test_fuzz.py tests/unit/functions/annotations/test_label_fuzz.py
	@DCM2SET_FUZZ_FILES=$${DCM2SET_FUZZ_FILES:-10000} $(BIN)/pytest -rP \
		tests/unit/functions/extract/test_mutated_codecs.py
	@DCM2SET_FUZZ_IMAGES=$${DCM2SET_FUZZ_IMAGES:-10000} $(BIN)/pytest \
		tests/unit/imaging/rendering/test_generated_images.py
	@DCM2SET_FUZZ_REQUESTS=$${DCM2SET_FUZZ_REQUESTS:-10000} $(BIN)/pytest -rP tests/integration/test_request_fuzz.py

faults: setup
	@$(BIN)/python -m tests.faults.campaign --seeds 1 2 3 4 5 --files 1000 --faults 24
	@$(BIN)/python -m tests.faults.flood --files 10000 --seconds 240

# The images with buildah, on a base of Debian's packages; BASE=IMAGE takes another base. `make image-twice` builds
# those that we compile parts of a second time from nothing, and compares the digests.
BUILD_IMAGE := $(BIN)/python -m infra.image.build $(if $(BASE),--base $(BASE),--debian-base)
image: setup
	@$(BUILD_IMAGE)
	@$(BUILD_IMAGE) --of operator --reuse
	@$(BUILD_IMAGE) --of minio

image-twice: setup
	@$(BUILD_IMAGE) --twice
	@$(BUILD_IMAGE) --of minio --twice

# Several replicas of each function; needs haproxy, pgbouncer and, where /.dockerenv exists, bubblewrap.
scale: setup
	@$(BIN)/python -m tests.scale.campaign --files 1000
	@$(BIN)/python -m tests.scale.campaign --files 200 --spread-store
	@$(BIN)/python benchmarks/scale.py

# The line without notifications, and everything on VersityGW, which is built once. What VersityGW lacks of the
# contract is deselected here, and tested in tests/stores.
stores: setup
	@TEST_STORE=versitygw $(BIN)/python -m pytest tests/contract/test_object_store.py \
		tests/contract/test_object_store_buckets.py tests/contract/test_raw_keys.py \
		--deselect "tests/contract/test_object_store.py::test_illegal_keys_are_refused_for_good[real-a//b]" \
		--deselect "tests/contract/test_object_store_buckets.py::test_ensure_bucket_sets_notifications[real]"
	@$(BIN)/python -m pytest tests/stores

# The manifests of Kubernetes before a real API server, which is built once (16 minutes on two processors); needs Go
# and etcd.
manifests: setup
	@$(BIN)/python -m tests.kubernetes.check

# The round trip with a real Label Studio, which has an environment of its own.
LABEL_STUDIO := $(HOME)/.cache/dcm2set/label-studio-1.23.2
label-studio: setup
	@test -x $(LABEL_STUDIO)/bin/label-studio || { $(PYTHON) -m venv $(LABEL_STUDIO) && $(LABEL_STUDIO)/bin/python -m pip install \
		--quiet --disable-pip-version-check --require-hashes -r tests/label_studio/requirements.lock; }
	@LABEL_STUDIO=$(LABEL_STUDIO)/bin/label-studio $(BIN)/python -m pytest tests/label_studio

# An installation of Docker Compose, run without Docker: as root, in a network of its own. It needs Go, and of Debian
# bubblewrap, haproxy and prometheus. IMAGE=build/image/dcm2set.tar: from the images that `make image` has built.
compose: setup
	@mkdir -p /run/netns
	@$(BIN)/python -m pytest tests/compose/test_loaded_by_docker.py
	@unshare --net --mount sh -c 'mount -t tmpfs tmpfs /run/netns && exec "$$0" "$$@"' \
		env $(if $(IMAGE),IMAGE=$(abspath $(IMAGE))) $(BIN)/python -m pytest -rP --durations=5 \
		tests/compose/test_installation_runs.py

# The same installation under Docker itself, with the images that `make image` has built. As root, with a dockerd of its
# own; it needs Go, and of Debian docker.io and mmdebstrap.
docker: setup
	@$(BIN)/python -m tests.compose.docker.stand_ins
	@unshare --net --mount sh -c 'ip link set lo up && TEST_DOCKER=1 exec "$$0" "$$@"' \
		$(BIN)/python -m pytest --durations=5 tests/compose/test_installation_runs.py

bench: setup
	@$(BIN)/python benchmarks/run_all.py

# Inputs of unusual size, one kind at a time (10,000 frames, 100,000 files); takes hours, of a hundredth some minutes:
# SHARE=100. ONLY=frames, slide, folder or labels.
big: setup
	@$(BIN)/python benchmarks/big_inputs.py $(if $(ONLY),--only $(ONLY)) $(if $(SHARE),--share $(SHARE))

lock:
	@$(BIN)/uv pip compile --quiet --all-extras --generate-hashes --universal --python-version 3.11 \
		--no-header --no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
