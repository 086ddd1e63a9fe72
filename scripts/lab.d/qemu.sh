# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with scripts/lab
# SPDX-License-Identifier: GPL-2.0
#
# What the labs in QEMU have in common. They run under pure emulation, since KVM
# may be present and not work; the host's files come in over 9p, read-only.

# q35: the interrupt routing of the older machine is a loop in ACPI code,
# which a slow host does not finish within the 30 s that the kernel grants.
# No five-level page tables: an interrupt during the second detection of the processor
# would run with a KASAN that assumes four levels.
qemu_arch=x86_64
qemu_machine=(-M q35 -cpu 'max,la57=off')
qemu_console=ttyS0

qemu_need() { need_packages qemu-system-x86_64:qemu-system-x86 cpio:cpio; }

qemu_channels() {
	local mod
	job out /dev/vport0p1 err /dev/vport0p2 ctl /dev/vport0p3
	job results_fs 9p results_src trans=virtio,version=9p2000.L,cache=none,msize=262144
	for mod in "${lab_preload[@]}"; do job preload "/preload/${mod##*/}"; done
}

# Says that a death before the first process may be the emulator's doing.
qemu_emulated() { :; }

# The initramfs carries the first process, the job, and the drivers it needs to
# reach the host's files.
qemu_initramfs() {
	local dir=$run/initramfs mod
	mkdir -p "$dir/preload" "$dir/dev" "$dir/new"
	cp "$init" "$dir/init"
	cp "$run/job" "$dir/job"
	for mod in "${lab_preload[@]}"; do cp "$mod" "$dir/preload/"; done
	(cd "$dir" && find . | cpio -o -H newc --quiet) > "$run/initramfs.cpio"
}

qemu_boot() {
	local share=()
	qemu_initramfs
	[ -z "$results" ] || share=(
		-fsdev "local,id=results,path=$results,security_model=none,multidevs=remap"
		-device "virtio-9p-pci,fsdev=results,mount_tag=results")
	if [ -n "$disk" ]; then
		share+=(-blockdev "driver=file,node-name=disk-file,filename=${disk//,/,,}")
		if [ -n "$disk_log" ]; then
			share+=(-blockdev "driver=file,node-name=disk-log,filename=${disk_log//,/,,}"
				-blockdev "driver=blklogwrites,node-name=disk,file=disk-file,log=disk-log,log-sector-size=512"
				-device "virtio-blk-pci,drive=disk")
		else
			share+=(-device "virtio-blk-pci,drive=disk-file")
		fi
	fi
	exec "qemu-system-$qemu_arch" "${qemu_machine[@]}" -accel tcg,thread=multi -smp "$cpus" -m "$mem" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$lab_vmlinuz" -initrd "$run/initramfs.cpio" \
		-append "console=$qemu_console loglevel=8 panic=-1 oops=panic tsc=reliable nokaslr printk.devkmsg=on ${kernel_args[*]}" \
		-chardev file,id=log,path=/dev/fd/14 -serial chardev:log \
		-device virtio-serial-pci,max_ports=4 \
		-chardev file,id=out,path=/dev/fd/11 -device virtserialport,nr=1,chardev=out \
		-chardev file,id=err,path=/dev/fd/12 -device virtserialport,nr=2,chardev=err \
		-chardev file,id=ctl,path=/dev/fd/13 -device virtserialport,nr=3,chardev=ctl \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		"${share[@]}" < /dev/null > "$run/boot.log" 2>&1
}
