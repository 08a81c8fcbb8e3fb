# The images and the kernel's files for `docker buildx bake`, for people who
# have buildx and not this tool. From the root of the clone:
#
#   docker buildx bake --file ci/docker-bake.hcl               kernel, linux/386
#   docker buildx bake --file ci/docker-bake.hcl multiarch     kernel, both platforms
#   docker buildx bake --file ci/docker-bake.hcl test-i386     the image to boot it in
#
# `cargo xtask docker-build` makes the same and checks what comes out.

variable "COMMIT" {
  # git rev-parse HEAD; without it the manifest names no commit.
  default = ""
}

variable "CA" {
  # A file of certificates, behind a proxy that opens TLS.
  default = ""
}

variable "BASE" {
  default = {
    i386  = "i386/debian:bookworm"
    amd64 = "debian:bookworm"
  }
}

group "default" {
  targets = ["kernel-i386"]
}

group "multiarch" {
  targets = ["kernel-i386", "kernel-amd64"]
}

target "kernel" {
  name       = "kernel-${arch}"
  matrix     = { arch = ["i386", "amd64"] }
  context    = "."
  dockerfile = "ci/Dockerfile.i386"
  target     = "export"
  platforms  = [arch == "i386" ? "linux/386" : "linux/amd64"]
  args       = { BASE = BASE[arch], COMMIT = COMMIT }
  secret     = CA == "" ? [] : ["id=ca,src=${CA}"]
  output     = ["type=local,dest=target/docker/bake/${arch}"]
}

target "image" {
  name       = "${stage}-${arch}"
  matrix     = { arch = ["i386", "amd64"], stage = ["toolchain", "build", "test"] }
  context    = "."
  dockerfile = "ci/Dockerfile.i386"
  target     = stage
  platforms  = [arch == "i386" ? "linux/386" : "linux/amd64"]
  args       = { BASE = BASE[arch], COMMIT = COMMIT }
  secret     = CA == "" ? [] : ["id=ca,src=${CA}"]
  tags       = ["exov6-${arch}:${stage}"]
  output     = ["type=docker"]
}
