// SPDX-License-Identifier: GPL-2.0
/*
 * mmap of rows, read-only. Pages are mapped on their first access and keep their memory
 * while they are mapped, whatever becomes of the extent. A mapping never shows memory of
 * anything but this collection, nor a vector that was deleted before the mapping was made.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "compat/mm.h"
#include "data/handlers.h"

static vm_fault_t rows_fault(struct vm_fault *vmf)
{
	struct vexfs_collection *c = vmf->vma->vm_private_data;
	u64 at = (u64)vmf->pgoff << PAGE_SHIFT;
	u64 slot = div_u64(at, c->space.stride);
	struct vexfs_extent *e = NULL;
	struct page *page = NULL;
	int idx;

	if (vmf->pgoff >= VEXFS_SLOTS_MAX || slot >= VEXFS_SLOTS_MAX)
		return VM_FAULT_SIGBUS;
	idx = vexfs_read_lock(c);
	if (vexfs_extent_number(c, slot) < vexfs_dir(c)->room)
		e = vexfs_extent(c, slot);
	if (e) {
		/* an extent is a number of whole pages, so it contains the page */
		void *p = e->rows + (at - (u64)e->first * c->space.stride);

		page = is_vmalloc_addr(p) ? vmalloc_to_page(p) : virt_to_page(p);
		get_page(page);
		vmf->page = page;
	}
	vexfs_read_unlock(c, idx);
	return page ? 0 : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct rows_vm_ops = {
	.fault = rows_fault,
};

static int rows_release(struct inode *inode, struct file *file)
{
	vexfs_collection_put(file->private_data);
	return 0;
}

static const struct file_operations rows_fops = {
	.owner = THIS_MODULE,
	.release = rows_release,
	.llseek = noop_llseek,
};

/*
 * The mapping holds the collection, not the descriptor. A worker that runs an op of the descriptor
 * holds the memory of its program, mappings included, and the end of that program could not close
 * the descriptor, which is what ends the op.
 */
static int rows_file(struct vm_area_struct *vma, struct vexfs_collection *c)
{
	struct file *file = anon_inode_getfile("[vexfs-rows]", &rows_fops, c, O_RDONLY);

	if (IS_ERR(file))
		return PTR_ERR(file);
	vexfs_collection_get(c);
	/* takes a reference of its own */
	vma_set_file(vma, file);
	fput(file);
	return 0;
}

int vexfs_rows_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vexfs_collection *c;
	struct vexfs_op op;
	int err = 0;

	vexfs_op_begin(&op, VEXFS_OP_MMAP, 0, 0);
	c = vexfs_client_collection(file->private_data, VEXFS_MAY_READ);
	if (IS_ERR(c))
		err = PTR_ERR(c);
	else if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		err = -EACCES;
	else
		err = vexfs_rows_expose(c) ?: rows_file(vma, c);
	if (!err) {
		vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYWRITE | VM_MAYEXEC);
		/* no reference of its own: the file of the mapping has one */
		vma->vm_private_data = c;
		vma->vm_ops = &rows_vm_ops;
	}
	vexfs_op_end(&op, err);
	return err;
}
