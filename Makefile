# SPDX-License-Identifier: LGPL-2.1-or-later
# A thin door to Meson: each target installs what it misses (Debian), builds and goes on. The work
# is in meson.build and in the scripts of .ci/; `make help` lists the targets.
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_RUNS ?= 100000
HEADERS = libhookrun/*/*.h libhookrun/base/hookrun-version.h.in
WHOLE = --prefix=$(PREFIX) -Dtests=true -Dintrospection=enabled -Dvapi=enabled -Ddocs=enabled

.DEFAULT_GOAL := help
.PHONY: help all demo check check-kernels soak bench fuzz sanitize docs dist check-wraps install deps \
	symbol-map format format-check clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: ## Install what is missing, build, deploy a small project with hooks in three languages
	@.ci/deps build
	@.ci/setup $(BUILD) -Dtests=false
	@ninja -C $(BUILD)
	@demo/run $(BUILD)

all: ## Build library, programs, bindings, reference and tests
	@.ci/deps check
	@.ci/setup $(BUILD) $(WHOLE)
	@ninja -C $(BUILD)

check: all ## Build and run all tests but the slow ones; ends with "N passed, N failed, N skipped"
	@.ci/test $(BUILD) --no-suite slow

soak: all ## Run the slow tests
	@TEST_LOG=soak .ci/test $(BUILD) --suite slow --timeout-multiplier 4

bench: ## Measure against the peers; fails when a limit is missed
	@.ci/deps check
	@.ci/setup build-bench --buildtype=release -Dtests=true
	@tests/bench/run build-bench

fuzz: ## Coverage-guided fuzzing (clang), FUZZ_RUNS inputs a target
	@.ci/deps ci
	@.ci/fuzz build-fuzz $(FUZZ_RUNS)

sanitize: ## Tests under ASan and UBSan, TSan and valgrind
	@.ci/deps ci
	@.ci/sanitize address build-address
	@.ci/sanitize thread build-thread
	@.ci/sanitize valgrind build-valgrind

check-kernels: all ## Boot other kernels under qemu and try to escape there
	@.ci/deps ci
	@.ci/kernels $(BUILD)

docs: all ## API reference and manual pages
	@echo "Open $(BUILD)/docs/reference/Hookrun-1/index.html"

dist: all ## Source archive
	@meson dist -C $(BUILD) --no-tests

check-wraps: ## Build the dependencies from the sources that Debian carries, and test with them
	@.ci/deps check
	@subprojects/check-wraps build-wraps

install: all ## Install into PREFIX (DESTDIR is honoured)
	@meson install -C $(BUILD)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

deps: ## Install all Debian packages that anything here needs
	@.ci/deps ci

symbol-map: ## Write libhookrun/hookrun.map from the public headers
	@libhookrun/update-symbol-map libhookrun/hookrun.map $(HEADERS)

format: ## Lay out all C files with clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

format-check: ## Fail when a C file is laid out otherwise
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

clean: ## Remove the build folders
	@rm -rf $(BUILD) build-*/
