module github.com/bytequester/hosting-monorepo/apps/web-base

go 1.24
