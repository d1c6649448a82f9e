# Two commands do the work: `make demo` runs the main job, `make test` passes the tests. Both install what they need
# from Debian first, say what that is, and ask for nothing.

BUILD_PACKAGES = libsqlite3-dev zlib1g-dev libtomlplusplus-dev tzdata
TEST_PACKAGES  = $(BUILD_PACKAGES) chromium firefox-esr fonts-noto-core nginx-light caddy curl openssl sqlite3 \
	binutils python3 python3-venv strace systemd $(SCRIPT_PACKAGES)
SCRIPT_PACKAGES = esbuild terser python3
BENCH_PACKAGES = $(BUILD_PACKAGES) nginx-light wrk python3
STORE_PACKAGES = $(BUILD_PACKAGES) python3 python3-venv

AS_ROOT = $(if $(filter 0,$(shell id -u)),,sudo)
# Functions in sections of their own, and none exported: so the linker leaves out what nobody calls, and what is the same
# twice is there once. Pointers that the loader adjusts take an eighth of the room that they did, a megabyte less in all;
# that needs glibc 2.36 (Debian 12), and the toolchain's own linker.
RELEASE = swift build -c release --static-swift-stdlib --product assent \
	-Xswiftc -Xclang-linker -Xswiftc -fuse-ld=lld -Xswiftc -Xfrontend -Xswiftc -function-sections \
	-Xlinker --gc-sections -Xlinker --icf=safe -Xlinker -z -Xlinker pack-relative-relocs \
	-Xlinker --version-script=deploy/exports.map
ASSENT  = .build/release/assent
SOURCES = Sources Tests Package.swift

# $(call install,names): installs those that are missing.
define install
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "Installing from Debian:" $$missing; \
		$(AS_ROOT) apt-get update -qq && \
		$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing > /dev/null; \
	fi
endef

.PHONY: demo release script test crash-matrix sanitize fuzz check instructions lint format bench soak bench-store pictures clean

demo: release
	$(ASSENT) demo $(if $(ONCE),--once)

release:
	$(call install,$(BUILD_PACKAGES))
	$(RELEASE)

# What is served of the browser script, made anew from its sources; a test shows that both agree.
script:
	$(call install,$(SCRIPT_PACKAGES))
	Dashboards/script/build

# In three runs, for a wait for a browser or a process must not queue for a thread behind tests that reckon for minutes.
test: .build-axe/ready
	$(call install,$(TEST_PACKAGES))
	swift build --build-tests
	swift test --skip-build --skip EndToEndTests
	swift test --skip-build --filter EndToEndTests --skip CrashMatrixTests --skip KillTests --skip HardshipTests
	swift test --skip-build --filter CrashMatrixTests --filter KillTests --filter HardshipTests

# axe-core, which judges pages by the rules of accessibility, comes from PyPI in the one version that the tests name.
.build-axe/ready: Tests/EndToEndTests/axe.txt
	$(call install,$(TEST_PACKAGES))
	/usr/bin/python3 -m venv --clear .build-axe
	.build-axe/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	cp .build-axe/lib/python3*/site-packages/axe_playwright_python/axe.min.js .build-axe/axe.min.js
	touch $@

# The tests of crashes with every call at which the store can be killed or fail; `make test` takes some of them.
crash-matrix:
	$(call install,$(TEST_PACKAGES))
	swift build --build-tests
	ASSENT_CRASH_MATRIX=whole swift test --skip-build --filter CrashMatrixTests

# The tests with each access to memory checked, then with each of two threads to the same: the sanitizers have builds of
# their own, optimized since they slow everything down. The program of the end-to-end tests has the same sanitizer. What is
# found anywhere lies in the build as report.… and ends the run; what is others' stands in Tests/Sanitizers. Tests that
# kill or trace the program are left out: the killed report nothing, and beside a tracer nobody can look for leaks.
SANITIZERS = address thread
REPORTS    = $(CURDIR)/.build-$*/report
SUPPRESSED = suppressions=$(CURDIR)/Tests/Sanitizers
SANITIZED  = ASAN_OPTIONS=log_path=$(REPORTS) LSAN_OPTIONS=print_suppressions=0:$(SUPPRESSED)/leaks.txt \
	TSAN_OPTIONS=log_path=$(REPORTS):$(SUPPRESSED)/threads.txt LD_PRELOAD=$(if $(filter thread,$*),$(CURDIR)/.build-$*/mutex.so) \
	swift test --sanitize=$* --scratch-path .build-$* --skip-build --disable-xctest
sanitize:
	for each in $(SANITIZERS); do $(MAKE) sanitize-$$each || exit; done

sanitize-%: .build-axe/ready
	$(call install,$(TEST_PACKAGES))
	swift build --build-tests --sanitize=$* --scratch-path .build-$* -Xswiftc -O
	clang -O2 -shared -fPIC -o .build-$*/mutex.so Tests/Sanitizers/mutex.c
	rm -f $(REPORTS).*
	$(SANITIZED) --skip EndToEndTests --skip AssentCollectorTests
	$(SANITIZED) --filter AssentCollectorTests
	$(SANITIZED) --filter EndToEndTests --skip CrashMatrixTests --skip KillTests --skip HardshipTests
	@! cat $(REPORTS).* 2> /dev/null

# Foreign bytes for the decoders, guided by what they reach, for so many seconds; TARGET=json for one of them alone. What
# was found to be worth trying is kept in .build-fuzz and tried again the next time; an input that ends a run lies there
# as crash-…, oom-… or timeout-….
# No decoder may take more at once than a column that is inflated (Limits.columnBytesMax, 64 MiB). What is freed is kept
# for a while, to find who uses it still: so the limit of the whole is larger.
SECONDS = 60
FUZZER  = .build-fuzz/release/Fuzzer $(if $(TARGET),-target=$(TARGET))
CORPUS  = .build-fuzz/corpus$(if $(TARGET),-$(TARGET))
fuzz:
	$(call install,$(BUILD_PACKAGES))
	swift build -c release --package-path Tests/Fuzz --scratch-path .build-fuzz
	$(FUZZER) seeds $(CORPUS)
	SWIFT_BACKTRACE=enable=no $(FUZZER) -max_total_time=$(SECONDS) -timeout=10 -max_len=65536 -malloc_limit_mb=66 \
		-rss_limit_mb=768 -use_value_profile=1 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=.build-fuzz/ $(CORPUS)

# What guards the house beside the tests: the formatter's strict lint, and what the release binary is made of.
check: lint release instructions
	@! objdump -p $(ASSENT) | grep -E 'NEEDED.*(libFoundation|lib_Foundation|libicu)' \
		|| { echo "The binary links Foundation or ICU: see which import brought it in."; exit 1; }
	@strip -o .build/assent.stripped $(ASSENT); size=$$(stat -c %s .build/assent.stripped); \
		echo "The stripped binary has $$size bytes."; \
		[ $$size -le 25165824 ] || { echo "It must have at most 24 MiB."; exit 1; }

# How many instructions an event takes on its way from a socket to the journal, as valgrind counts them: the same on every
# machine, and at most as many as Tests/Benchmarks/ingest/instructions.py allows.
instructions: release
	$(call install,$(CHECK_PACKAGES))
	strip -o .build/assent.stripped $(ASSENT)
	/usr/bin/python3 Tests/Benchmarks/ingest/instructions.py .build/assent.stripped

lint:
	swift format lint --strict --recursive $(SOURCES)

format:
	swift format format --in-place --recursive $(SOURCES)

# BENCH="--only throughput --cores 1" for a part of it; the other options are in its --help.
bench: release
	$(call install,$(BENCH_PACKAGES))
	/usr/bin/python3 Tests/Benchmarks/ingest $(ASSENT) $(BENCH)

# Half of the greatest load for so long. A line every ten seconds goes to soak.csv.
MINUTES = 60
soak: release
	$(call install,$(BENCH_PACKAGES))
	/usr/bin/python3 Tests/Benchmarks/ingest $(ASSENT) --soak $(MINUTES) $(BENCH)

# Rivals come from PyPI, in the versions that the benchmark names, into an environment of their own.
.build-bench/ready: Tests/Benchmarks/store/requirements.txt
	$(call install,$(STORE_PACKAGES))
	/usr/bin/python3 -m venv --clear .build-bench
	.build-bench/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# BENCH="--events 1000000" for a quick look; the other options are in its --help.
bench-store: release .build-bench/ready
	.build-bench/bin/python Tests/Benchmarks/store $(ASSENT) $(BENCH)

# The picture of the README.
pictures: release
	$(call install,$(TEST_PACKAGES))
	Dashboards/pictures/make $(ASSENT)

clean:
	rm -rf .build .build-axe .build-bench .build-fuzz .build-address .build-thread
