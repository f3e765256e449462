# SPDX-License-Identifier: LGPL-2.1-or-later
# A thin door to Meson.
BUILD ?= build

$(BUILD)/build.ninja:
	meson setup $(BUILD)

.PHONY: all symbol-map format
all: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

symbol-map:
	libhookrun/update-symbol-map libhookrun/hookrun.map libhookrun/*/*.h libhookrun/base/hookrun-version.h.in

format:
	clang-format -i libhookrun/*.h libhookrun/*/*.[ch] tools/*/*.[ch] tests/*/*.[ch]
