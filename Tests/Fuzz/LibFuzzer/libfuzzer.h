#pragma once
#include <stddef.h>
#include <stdint.h>

/// Runs the fuzzer with the arguments of its command line; each input goes to the callback.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
