module minwww/benchmark

go 1.26.3

require github.com/go-i2p/go-i2cp v0.1.67

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-i2p/common v0.1.60000-0.20260701134558-e5f5cf65a7f5 // indirect
	github.com/go-i2p/crypto v0.1.60000-0.20260701135847-3ade996b68a0 // indirect
	github.com/go-i2p/logger v0.1.60000-0.20260701134448-2648c3b0e040 // indirect
	github.com/oklog/ulid/v2 v2.1.1 // indirect
	github.com/samber/lo v1.53.0 // indirect
	github.com/samber/oops v1.22.0 // indirect
	github.com/sirupsen/logrus v1.9.4 // indirect
	go.opentelemetry.io/otel v1.44.0 // indirect
	go.opentelemetry.io/otel/trace v1.44.0 // indirect
	go.step.sm/crypto v0.84.1 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
	golang.org/x/text v0.38.0 // indirect
)
