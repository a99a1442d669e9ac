/* Completion for bash and zsh: commands, the options of each, their values, and the keys of plans
 * for --set. Both scripts are static tables; nothing runs lrsearch while a user types. */
#include <ctype.h>
#include <string.h>
#include "cli/cmd_docs.h"
#include "cli/option_table.h"
#include "plan/schema.h"

/* ---- what both have ---- */

enum operand {
    OPERAND_NONE,
    OPERAND_PLAN,
    OPERAND_FOLDER,
    OPERAND_FILE,
    OPERAND_WORDS, /* those of command->operand, then files */
};

static enum operand operand_of(const struct command *command)
{
    const char *operand = command->operand;
    if (strncmp(operand, "PLAN", 4) == 0)
        return OPERAND_PLAN;
    if (strstr(operand, "RUN") || strstr(operand, "DIR"))
        return OPERAND_FOLDER;
    if (islower((unsigned char)*operand))
        return OPERAND_WORDS;
    return *operand ? OPERAND_FILE : OPERAND_NONE;
}

/* "man|bash": "man bash" */
static void put_words(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc(*text == '|' ? ' ' : *text, out);
}

static void put_command_names(FILE *out, char separator)
{
    for (size_t i = 0; i < command_row_count; i++)
        fprintf(out, "%s%s", i ? (char[2]){separator, '\0'} : "", command_rows[i].name);
}

static void put_plan_keys(FILE *out)
{
    const char *blank = "";
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_section *section = &plan_sections[s];
            fprintf(out, "%s%s%s%s=", blank, section->name, *section->name ? "." : "",
                    section->keys[k].name);
            blank = " ";
        }
}

/* ---- bash ---- */

static void put_bash_option(FILE *out, const struct option_row *row)
{
    if (!row->argument)
        return;
    fprintf(out, "    --%s%s", row->name, row->letter ? " | " : "");
    if (row->letter)
        fprintf(out, "-%c", row->letter);
    fputs(") ", out);
    if (!row->values)
        fputs(": ;;\n", out);
    else if (strcmp(row->values, "@file") == 0)
        fputs("_lrsearch_names -f ;;\n", out);
    else if (strcmp(row->values, "@dir") == 0)
        fputs("_lrsearch_names -d ;;\n", out);
    else if (strcmp(row->values, "@key") == 0)
        fputs("_lrsearch_words \"$keys\"; compopt -o nospace 2>/dev/null ;;\n", out);
    else
        fprintf(out, "_lrsearch_words \"%s\" ;;\n", row->values);
}

static void put_bash_command(FILE *out, const struct command *command)
{
    fprintf(out, "    %s)\n        options=\"", command->name);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_is_for(&option_rows[i], command))
            fprintf(out, "%s--%s", i ? " " : "", option_rows[i].name);
    fputs("\"\n        operand=", out);
    switch (operand_of(command)) {
    case OPERAND_NONE:
        fputs("none", out);
        break;
    case OPERAND_PLAN:
        fputs("plan", out);
        break;
    case OPERAND_FOLDER:
        fputs("folder", out);
        break;
    case OPERAND_FILE:
        fputs("file", out);
        break;
    case OPERAND_WORDS:
        fputs("words words=\"", out);
        put_words(out, command->operand);
        fputc('"', out);
        break;
    }
    fputs("\n        ;;\n", out);
}

void docs_bash(FILE *out)
{
    fputs("# bash completion for lrsearch; made by: lrsearch docs bash\n\n"
          "_lrsearch_words() # WORDS\n{\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n}\n\n"
          "_lrsearch_names() # -f or -d\n{\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n}\n\n"
          "_lrsearch_plans() # files of YAML, and folders on the way to them\n{\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; compgen -f -X '!*.y*ml' -- "
          "\"$cur\")\n}\n\n"
          "_lrsearch()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command= at=0 i options operand words= keys=\"",
          out);
    put_plan_keys(out);
    fputs("\"\n    COMPREPLY=()\n"
          "    # readline takes --resume=auto apart: --resume, =, auto\n"
          "    if [[ $cur = = ]]; then\n        cur=\n"
          "    elif [[ $prev = = ]] && ((COMP_CWORD > 2)); then\n"
          "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
          "    case $prev in\n",
          out);
    for (size_t i = 0; i < option_row_count; i++)
        put_bash_option(out, &option_rows[i]);
    fputs("    *) i=1 ;;\n    esac\n    [[ $i ]] || return 0\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n        ",
          out);
    put_command_names(out, '|');
    fputs(") command=${COMP_WORDS[i]} at=$i && break ;;\n        esac\n    done\n"
          "    case ${command:-run} in\n",
          out);
    for (size_t i = 0; i < command_row_count; i++)
        put_bash_command(out, &command_rows[i]);
    fputs("    esac\n"
          "    if [[ $cur = -* ]]; then\n        _lrsearch_words \"$options\"\n        return 0\n"
          "    fi\n"
          "    case $operand in\n"
          "    plan) _lrsearch_plans ;;\n"
          "    folder) _lrsearch_names -d ;;\n"
          "    file) _lrsearch_names -f ;;\n"
          "    words)\n"
          "        if ((COMP_CWORD == at + 1)); then\n            _lrsearch_words \"$words\"\n"
          "        else\n            _lrsearch_names -f\n        fi\n        ;;\n"
          "    esac\n"
          "    if [[ ! $command ]]; then\n"
          "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"",
          out);
    put_command_names(out, ' ');
    fputs("\" -- \"$cur\")\n    fi\n}\ncomplete -F _lrsearch lrsearch\n", out);
}

/* ---- zsh ---- */

/* Between single quotes, in a specification of _arguments. */
static void put_zsh(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_zsh_option(FILE *out, const struct option_row *row)
{
    fprintf(out, "\n      '%s--%s%s[", row->type == OPTION_PAIRS ? "*" : "", row->name,
            row->argument ? "=" : "");
    put_zsh(out, row->help);
    fputc(']', out);
    if (row->argument) {
        fputc(':', out);
        put_zsh(out, row->argument);
        fputc(':', out);
        if (!row->values)
            fputc(' ', out);
        else if (strcmp(row->values, "@file") == 0)
            fputs("_files", out);
        else if (strcmp(row->values, "@dir") == 0)
            fputs("_files -/", out);
        else if (strcmp(row->values, "@key") == 0)
            fputs("compadd -S \"\" -- $keys", out);
        else
            fprintf(out, "(%s)", row->values);
    }
    fputc('\'', out);
}

static void put_zsh_command(FILE *out, const struct command *command)
{
    fprintf(out, "    (%s)\n    options=(", command->name);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_is_for(&option_rows[i], command))
            put_zsh_option(out, &option_rows[i]);
    fputs("\n    )\n    operand='", out);
    switch (operand_of(command)) {
    case OPERAND_NONE:
        fputs(": ", out);
        break;
    case OPERAND_PLAN:
        fputs("_files -g \"*.(yaml|yml)\"", out);
        break;
    case OPERAND_FOLDER:
        fputs("_files -/", out);
        break;
    case OPERAND_FILE:
        fputs("_files", out);
        break;
    case OPERAND_WORDS:
        fputs("_alternative \"words:what:(", out);
        put_words(out, command->operand);
        fputs(")\" \"files:file:_files\"", out);
        break;
    }
    fputs("'\n    ;;\n", out);
}

void docs_zsh(FILE *out)
{
    fputs("#compdef lrsearch\n# zsh completion for lrsearch; made by: lrsearch docs zsh\n\n"
          "_lrsearch() {\n"
          "  local command='' word operand state line\n"
          "  local -a options commands keys\n"
          "  keys=(",
          out);
    put_plan_keys(out);
    fputs(")\n  commands=(", out);
    for (size_t i = 0; i < command_row_count; i++) {
        fprintf(out, "\n    '%s:", command_rows[i].name);
        put_zsh(out, command_rows[i].help);
        fputc('\'', out);
    }
    fputs("\n  )\n  for word in ${words[2,CURRENT-1]}; do\n    case $word in\n    (", out);
    put_command_names(out, '|');
    fputs(") command=$word; break ;;\n    esac\n  done\n  case ${command:-run} in\n", out);
    for (size_t i = 0; i < command_row_count; i++)
        put_zsh_command(out, &command_rows[i]);
    fputs("  esac\n"
          "  _arguments -S : $options '*: :->operand' && return 0\n"
          "  [[ $state = operand ]] || return 1\n"
          "  [[ -n $command ]] || _describe command commands\n"
          "  eval $operand\n"
          "}\n\n"
          "_lrsearch \"$@\"\n",
          out);
}
