/* Completion for bash and zsh: commands, their options, the options' values, and the keys of plans
 * for --set. Both scripts are static tables and never run lrsearch. */
#include <string.h>
#include "cli/docs.h"
#include "cli/command_line.h"
#include "plan/schema.h"

/* ---- both shells ---- */

static void put_command_names(FILE *out, char separator)
{
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "%s%s", i ? (char[2]){separator, '\0'} : "", commands[i]->name);
}

/* The words that the first operand may be: "man|bash" -> "man bash". */
static void put_words(FILE *out, const struct command *command)
{
    if (command->kind == OPERAND_COMMAND)
        put_command_names(out, ' ');
    else
        for (const char *c = command->operand; *c && *c != ' '; c++)
            fputc(*c == '|' ? ' ' : *c, out);
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

/* A row of the `case` over "COMMAND PREVIOUS": completes the argument of an option. */
static void put_bash_argument(FILE *out, const struct command *command,
                              const struct option_row *row)
{
    if (!row->argument)
        return;
    fprintf(out, "    %s\\ --%s", command->name, row->name);
    if (row->letter)
        fprintf(out, " | %s\\ -%c", command->name, row->letter);
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
    static const char *const kinds[] = {
        [OPERAND_NONE] = "none",     [OPERAND_PLAN] = "plan", [OPERAND_RUN] = "folder",
        [OPERAND_FOLDER] = "folder", [OPERAND_FILE] = "file", [OPERAND_WORD] = "words",
        [OPERAND_COMMAND] = "words"};
    fprintf(out, "    %s)\n        options=\"", command->name);
    for (size_t i = 0; i < command->row_count; i++)
        fprintf(out, "--%s ", command->rows[i].name);
    for (size_t i = 0; i < general_row_count; i++)
        fprintf(out, "%s--%s", i ? " " : "", general_rows[i].name);
    fprintf(out, "\"\n        operand=%s words=\"", kinds[command->kind]);
    if (command->kind == OPERAND_WORD || command->kind == OPERAND_COMMAND)
        put_words(out, command);
    fputs("\"\n        ;;\n", out);
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
          "    local command= at=0 i options operand= words keys=\"",
          out);
    put_plan_keys(out);
    fputs("\"\n    COMPREPLY=()\n"
          "    # readline takes --resume=auto apart: --resume, =, auto\n"
          "    if [[ $cur = = ]]; then\n        cur=\n"
          "    elif [[ $prev = = ]] && ((COMP_CWORD > 2)); then\n"
          "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n        ",
          out);
    put_command_names(out, '|');
    fputs(") command=${COMP_WORDS[i]} at=$i && break ;;\n        esac\n    done\n"
          "    case \"${command:-run} $prev\" in\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        for (size_t k = 0; k < commands[i]->row_count; k++)
            put_bash_argument(out, commands[i], &commands[i]->rows[k]);
    fputs("    *) operand=? ;;\n    esac\n    [[ $operand ]] || return 0\n"
          "    case ${command:-run} in\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        put_bash_command(out, commands[i]);
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

/* Escapes a text for a single-quoted specification of _arguments. */
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

/* The rest after an option's name: its help, and how to complete its argument. */
static void put_zsh_argument(FILE *out, const struct option_row *row)
{
    fputc('[', out);
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

static void put_zsh_option(FILE *out, const struct option_row *row)
{
    fprintf(out, "\n      '%s--%s%s", row->type == OPTION_PAIRS ? "*" : "", row->name,
            row->argument ? "=" : "");
    put_zsh_argument(out, row);
    if (!row->letter)
        return;
    fprintf(out, "\n      '-%c%s", row->letter, row->argument ? "+" : "");
    put_zsh_argument(out, row);
}

static void put_zsh_command(FILE *out, const struct command *command)
{
    fprintf(out, "    (%s)\n    options=(", command->name);
    for (size_t i = 0; i < command->row_count; i++)
        put_zsh_option(out, &command->rows[i]);
    for (size_t i = 0; i < general_row_count; i++)
        put_zsh_option(out, &general_rows[i]);
    fputs("\n    )\n    operand='", out);
    switch (command->kind) {
    case OPERAND_NONE:
        fputs(": ", out);
        break;
    case OPERAND_PLAN:
        fputs("_files -g \"*.(yaml|yml)\"", out);
        break;
    case OPERAND_RUN:
    case OPERAND_FOLDER:
        fputs("_files -/", out);
        break;
    case OPERAND_FILE:
        fputs("_files", out);
        break;
    case OPERAND_WORD:
    case OPERAND_COMMAND:
        fputs("_alternative \"words:what:(", out);
        put_words(out, command);
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
    for (size_t i = 0; i < command_count; i++) {
        fprintf(out, "\n    '%s:", commands[i]->name);
        put_zsh(out, commands[i]->help);
        fputc('\'', out);
    }
    fputs("\n  )\n  for word in ${words[2,CURRENT-1]}; do\n    case $word in\n    (", out);
    put_command_names(out, '|');
    fputs(") command=$word; break ;;\n    esac\n  done\n  case ${command:-run} in\n", out);
    for (size_t i = 0; i < command_count; i++)
        put_zsh_command(out, commands[i]);
    fputs("  esac\n"
          "  _arguments -S : $options '*: :->operand' && return 0\n"
          "  [[ $state = operand ]] || return 1\n"
          "  [[ -n $command ]] || _describe command commands\n"
          "  eval $operand\n"
          "}\n\n"
          "_lrsearch \"$@\"\n",
          out);
}
