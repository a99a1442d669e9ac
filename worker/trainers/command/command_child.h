#ifndef LRSEARCH_COMMAND_CHILD_H
#define LRSEARCH_COMMAND_CHILD_H

/* Between the worker and its command lrsearch runs itself once more, for a moment, with this as its
 * first argument and the command behind it: it leaves a watcher in the command's process group that
 * kills the group and removes the file in LRSEARCH_SPEC when the worker is gone, and becomes the
 * command. It inherits no other descriptors. */
#define COMMAND_CHILD "--become-command"

/* Descriptors of the child. */
enum {
    COMMAND_REPORT_FD = 3, /* where the command writes its reports; else closed */
    COMMAND_ALIVE_FD = 4,  /* read end of a pipe that the worker holds */
    COMMAND_STATUS_FD = 5, /* gets errno (an int) when the command cannot be started */
};

/* `argv`: the command's, ends with NULL. Never returns but with the exit status of a failure. */
int command_child(char **argv);

#endif
