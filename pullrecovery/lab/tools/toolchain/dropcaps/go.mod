module pullrecovery.dev/toolchain/dropcaps

go 1.26.0
