# Where things are installed. A packager may choose other directories; the defaults of the main.cf parameters of
# the same name follow these. Directories below the prefix are relative, so that `cmake --install --prefix` moves
# them, and the programs find each other by where they stand.
include(GNUInstallDirs)
set(POSTHOUSE_COMMAND_DIR "${CMAKE_INSTALL_SBINDIR}" CACHE STRING "default of command_directory")
set(POSTHOUSE_DAEMON_DIR "${CMAKE_INSTALL_LIBEXECDIR}/posthouse" CACHE STRING "default of daemon_directory")
foreach(directory POSTHOUSE_COMMAND_DIR POSTHOUSE_DAEMON_DIR)
  if("${${directory}}/" MATCHES "^${CMAKE_INSTALL_PREFIX}/(.+)/$")
    set_property(CACHE ${directory} PROPERTY VALUE "${CMAKE_MATCH_1}")
  endif()
endforeach()
set(POSTHOUSE_CONFIG_DIR "/etc/postfix" CACHE STRING "default of config_directory")
set(POSTHOUSE_QUEUE_DIR "/var/spool/postfix" CACHE STRING "default of queue_directory")
set(POSTHOUSE_DATA_DIR "/var/lib/postfix" CACHE STRING "default of data_directory")

# In the build tree all programs stand together, as after installation.
set(POSTHOUSE_BUILD_SBIN ${CMAKE_BINARY_DIR}/sbin)
set(POSTHOUSE_BUILD_LIBEXEC ${CMAKE_BINARY_DIR}/libexec/posthouse)
